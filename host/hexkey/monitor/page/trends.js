// What changes with time: count rates as they come, and what was disclosed of each block.

import { axis, line, plot } from "/page/plot.js";
import { ticks } from "/page/numbers.js";

const KEPT_S = 600;
const element = (id) => document.getElementById(id);
const percents = (u, marks) => marks.map((mark) => `${+(100 * mark).toFixed(2)} %`);
const fromZero = (u, low, high) => [0, high > 0 ? 1.1 * high : 1];
const dots = { points: { show: true, size: 6 } };

function trend(id, label, values, series, x = "time since the start / s", sizeOfAxis = 58) {
  return plot(element(id), {
    scales: { x: { time: false }, y: { range: fromZero } },
    axes: [axis(x, 34), axis(label, sizeOfAxis, values)],
    series: [{ label: "" }, ...series],
    legend: { live: false },
  }, [[], ...series.map(() => [])]);
}

export class Trends {
  constructor() {
    this.times = [];
    this.clicks = [];
    this.events = [];
    this.rates = trend("rates", "rate / (1/s)", ticks, [line("clicks", "blue"), line("events", "orange", { dash: [8, 4] })]);
    this.blocks = null;
  }

  show(snapshot) {
    this.addRates(snapshot);
    if (!snapshot.makes_key) return;
    this.blocks ??= {
      qber: trend("qbers", "QBER", percents, [line("QBER", "blue", dots), line("abort line", "red", { dash: [10, 6] })]),
      rate: trend("keyrates", "rate / (bit/s)", ticks, [line("sifted", "orange", { ...dots, dash: [8, 4] }), line("secret", "green", dots)]),
      leak: trend("leaks", "leak / bit", ticks, [line("leak", "purple", dots), line("limit", "red", { dash: [10, 6] })], "block"),
    };
    const { blocks } = snapshot;
    const ends = blocks.map((block) => block.end_s);
    this.blocks.qber.setData([ends, blocks.map((block) => block.qber), blocks.map(() => snapshot.qber_abort)]);
    // A block's rate is over the time since the block before it ended.
    const lasted = ends.map((end, index) => (index ? end - ends[index - 1] : null));
    const rate = (bits) => blocks.map((block, index) => (lasted[index] > 0 ? block[bits] / lasted[index] : null));
    this.blocks.rate.setData([ends, rate("sifted_bits"), rate("secret_bits")]);
    this.blocks.leak.setData([blocks.map((block) => block.block), blocks.map((block) => block.leak_bits), blocks.map((block) => block.leak_limit_bits)]);
  }

  addRates({ seconds, clicks_hz: clicks, events_hz: events }) {
    const last = this.times.at(-1);
    if (last !== undefined && seconds < last) { // another run
      this.times = []; this.clicks = []; this.events = [];
    } else if (last !== undefined && seconds - last < 0.5) return;
    this.times.push(seconds); this.clicks.push(clicks); this.events.push(events);
    while (this.times[0] < seconds - KEPT_S) { this.times.shift(); this.clicks.shift(); this.events.shift(); }
    this.rates.setData([this.times, this.clicks, this.events]);
  }
}
