// The arrival histogram and its gate.

import { Gate } from "/page/gate.js";
import { hover } from "/page/hover.js";
import { count, ns, ticks } from "/page/numbers.js";
import { axis, line, plot, upright } from "/page/plot.js";
import { colour } from "/page/theme.js";

const LONGEST_S = 5;
const HEARD_S = 0.5; // a snapshot may be older than what was asked
const element = (id) => document.getElementById(id);
const TICK_NS = 0.0126; // equal to within the coarsest tick's rounding
const HALF_STEP_NS = 0.005;

export class Arrivals {
  constructor(send) {
    this.send = send;
    this.asked = null;
    this.log = false;
    this.place = element("histogram");
    element("scale").addEventListener("click", () => this.toggle());
  }

  build(periodNs) {
    this.made?.destroy();
    this.periodNs = periodNs;
    const bars = uPlot.paths.stepped({ align: 1 });
    this.made = plot(this.place, {
      legend: { show: false },
      scales: {
        x: { time: false, range: [0, periodNs] },
        y: this.log ? { distr: 3, range: (u, low, high) => [1, Math.max(10, 2 * high)] }
          : { range: (u, low, high) => [0, Math.max(1, 1.05 * high)] },
      },
      axes: [axis("time after the trigger / ns", 34),
        upright(`clicks in ${this.binNs} ns`, 60, ticks)],
      series: [{}, line("clicks", "ink", { width: 1.5, paths: bars, fill: () => `${colour("soft")}44` })],
    }, this.data ?? [[], []]);
    hover(this.made.over, (x) => this.reading(this.made.posToVal(x, "x")));
    this.gate = new Gate(this.made.over, {
      onChange: (gate) => this.tell(gate),
      onRelease: (gate) => this.release(gate),
    });
  }

  toggle() {
    this.log = !this.log;
    element("scale").setAttribute("aria-pressed", String(this.log));
    if (this.snapshot) { this.build(this.periodNs); this.show(this.snapshot); }
  }

  show(snapshot) {
    this.snapshot = snapshot;
    const { histogram, gate, control } = snapshot;
    element("arrivals").hidden = !histogram;
    element("read-only").hidden = control;
    if (!histogram) return;
    const periodNs = histogram.period_ps / 1000;
    const { first_ps: first, bin_ps: bin, counts } = histogram;
    // One edge more than bins: the last bin ends there, and is drawn up to it.
    const edges = Float64Array.from({ length: counts.length + 1 }, (_, index) => (first + index * bin) / 1000);
    const least = this.log ? 1 : 0;
    const heights = Array.from(edges, (_, index) => Math.max(counts[Math.min(index, counts.length - 1)], least));
    this.data = [edges, heights];
    if (periodNs !== this.periodNs || bin / 1000 !== this.binNs) {
      this.binNs = bin / 1000;
      this.build(periodNs);
    }
    this.made.setData(this.data);
    if (!gate) return;
    const now = { startNs: gate.start_ps / 1000, widthNs: gate.width_ps / 1000 };
    this.settle(gate, now, snapshot);
    this.place.classList.toggle("asking", this.asked !== null);
    this.gate.show(this.asked ?? now, periodNs, control && snapshot.state === "receiving");
    if (this.gate.held === null && this.gate.releaseKeys === null) this.tell(now);
    if (this.asked) this.say(`asked: ${words(this.asked)}; it takes effect ${snapshot.makes_key ? "at the block's end" : "at once"}`);
  }

  // The bin at a time after the trigger.
  reading(atNs) {
    const { first_ps: first, bin_ps: bin, counts } = this.snapshot.histogram ?? { counts: [] };
    const index = Math.floor((1000 * atNs - first) / bin);
    if (!(index >= 0 && index < counts.length)) return null;
    const from = first + index * bin;
    return { title: `${ns(from / 1000)} to ${ns((from + bin) / 1000)}`, rows: [["clicks", count(counts[index])]] };
  }

  // What was asked stands until the board confirms it, gives it up, or says nothing of it.
  settle(gate, now, { state, time_unix_s: time }) {
    if (gate.asked) {
      this.asked = { ...this.asked, startNs: gate.asked[0] / 1000, widthNs: gate.asked[1] / 1000, heard: true };
    } else if (this.asked) {
      this.asked.since ??= time;
      const waited = time - this.asked.since;
      if (this.done(now)) this.confirm(now);
      else if (gate.refused && waited > HEARD_S) this.answer({ accepted: false, message: gate.refused });
      else if (this.asked.heard || waited > LONGEST_S || state !== "receiving") {
        this.asked = null;
        this.say("the gate was not changed", true);
      }
    }
  }

  // A fine step is no larger than what the board rounds by: the old gate is near, too.
  done(now) {
    const { before } = this.asked;
    const changed = !before || before.startNs !== now.startNs || before.widthNs !== now.widthNs;
    return near(this.asked, now, changed ? TICK_NS : HALF_STEP_NS);
  }

  tell(gate) {
    element("gate").textContent = `gate ${words(gate)}`;
  }

  release(gate) {
    const sent = this.send({ gate: { start_ns: gate.startNs, width_ns: gate.widthNs } });
    if (!sent) { this.answer({ accepted: false, message: "no connection: the gate was not changed" }); return; }
    const { gate: now } = this.snapshot;
    this.asked = { ...gate, before: { startNs: now.start_ps / 1000, widthNs: now.width_ps / 1000 } };
    this.say(`asked: ${words(gate)}`);
  }

  answer({ accepted, message }) {
    if (accepted) return;
    this.asked = null;
    this.say(`refused: ${message}`, true);
  }

  confirm(gate) {
    this.asked = null;
    this.say(`the board's gate is ${words(gate)}`);
    setTimeout(() => { if (!this.asked) this.say(""); }, 4000);
  }

  say(text, refused = false) {
    element("asked").textContent = text;
    element("asked").classList.toggle("refused", refused);
  }
}

// An end beyond the period's belongs to the pulse in which the gate opened.
function words({ startNs, widthNs }) {
  return `${startNs.toFixed(2)} to ${ns(startNs + widthNs)}, ${ns(widthNs)} wide`;
}

function near(one, other, withinNs) {
  return Math.abs(one.startNs - other.startNs) < withinNs && Math.abs(one.widthNs - other.widthNs) < withinNs;
}
