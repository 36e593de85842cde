// What changes with time: count rates as they come, and what was disclosed of each block.

import { hover } from "/page/hover.js";
import { axis, line, plot, timeAxis, upright } from "/page/plot.js";
import { count, moment, percent, short, ticks } from "/page/numbers.js";

const KEPT_S = 600;
const element = (id) => document.getElementById(id);
const percents = (u, marks) => marks.map((mark) => `${+(100 * mark).toFixed(2)} %`);
const fromZero = (u, low, high) => [0, high > 0 ? 1.1 * high : 1];
const dots = { points: { show: true, size: 6, fill: (u, index) => u.series[index].stroke() } };
const per = (unit) => (value) => short(value, unit);
const sinceStart = (seconds) => `at ${moment(seconds)}`;

// `across` is the x axis, `title(x)` and `words(y)` are what is said of a point under the pointer.
function trend(id, label, values, series, words, across = timeAxis(), title = sinceStart) {
  const made = plot(element(id), {
    scales: { x: { time: false }, y: { range: fromZero } },
    axes: [across, upright(label, 64, values)],
    series: [{ label: "" }, ...series],
    legend: { live: false },
    padding: [10, 30, 0, 0], // room for half of the last mark
  }, [[], ...series.map(() => [])]);
  hover(made.over, (x) => {
    const [times, ...lines] = made.data;
    if (!times.length || x < 0) return null;
    const at = made.posToIdx(x);
    return {
      title: title(times[at]),
      rows: series.map((one, index) => [one.label, words(lines[index][at]), one.stroke()]),
    };
  });
  return made;
}

export class Trends {
  constructor() {
    this.empty();
  }

  empty() {
    this.times = []; this.clicks = []; this.events = [];
  }

  show(snapshot) {
    this.addRates(snapshot);
    const { blocks } = snapshot;
    for (const one of document.querySelectorAll(".trend.key")) one.hidden = !blocks.length;
    if (!blocks.length) return;
    this.blocks ??= {
      qber: trend("qbers", "QBER", percents, [line("QBER", "blue", dots), line("abort line", "red", { dash: [10, 6] })], percent),
      rate: trend("keyrates", "rate / (bit/s)", ticks, [line("sifted", "orange", { ...dots, dash: [8, 4] }), line("secret", "green", dots)], per("bit/s")),
      leak: trend("leaks", "leak / bit", ticks, [line("leak", "purple", dots), line("limit", "red", { dash: [10, 6] })], count, axis("block", 34), (block) => `block ${block}`),
    };
    const { block, end_s: end } = blocks.at(-1), last = `${blocks.length} ${block} ${end} ${snapshot.qber_abort}`;
    if (this.drawn === last) return; // blocks come seldom, and their dots are slow to draw
    this.drawn = last;
    const ends = blocks.map((block) => block.end_s);
    this.blocks.qber.setData([ends, blocks.map((block) => block.qber), blocks.map(() => snapshot.qber_abort)]);
    // A block's rate is over the time since the block before it ended.
    const lasted = ends.map((end, index) => (index ? end - ends[index - 1] : null));
    const rate = (bits) => blocks.map((block, index) => (lasted[index] > 0 ? block[bits] / lasted[index] : null));
    this.blocks.rate.setData([ends, rate("sifted_bits"), rate("secret_bits")]);
    this.blocks.leak.setData([blocks.map((block) => block.block), blocks.map((block) => block.leak_bits), blocks.map((block) => block.leak_limit_bits)]);
  }

  addRates({ seconds, clicks_hz: clicks, events_hz: events }) {
    if (seconds < this.times.at(-1)) this.empty(); // another run
    const last = this.times.at(-1);
    if (seconds - last < 0.5) return;
    const counted = last !== undefined || clicks !== null; // there is nothing to show before
    element("rate-card").hidden = !counted;
    if (!counted) return;
    this.rates ??= trend("rates", "rate / (1/s)", ticks, [line("clicks", "blue"), line("events", "orange", { dash: [8, 4] })], per("/s"));
    this.times.push(seconds); this.clicks.push(clicks); this.events.push(events);
    while (this.times[0] < seconds - KEPT_S) { this.times.shift(); this.clicks.shift(); this.events.shift(); }
    this.rates.setData([this.times, this.clicks, this.events]);
  }
}
