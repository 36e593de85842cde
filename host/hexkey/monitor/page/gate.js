// The gate over the histogram: dragged by its body or an edge, moved by arrow keys; half-open, and
// it may reach past the period's end.

import { ns } from "/page/numbers.js";

const SHORTEST_NS = 0.1;
const STEP_NS = 0.1;
const FINE_STEP_NS = 0.01;
const LARGE_STEP_NS = 1;
const KEYS = {
  ArrowLeft: -STEP_NS, ArrowDown: -STEP_NS, ArrowRight: STEP_NS, ArrowUp: STEP_NS, PageDown: -LARGE_STEP_NS, PageUp: LARGE_STEP_NS,
};

export class Gate {
  // `over` is the plot's area; `onChange(gate)` while it moves, `onRelease(gate)` when it is let go.
  constructor(over, { onChange, onRelease }) {
    Object.assign(this, { over, onChange, onRelease });
    this.periodNs = 0;
    this.gate = null;
    this.held = null; // what is dragged: the snapshots do not move it meanwhile
    this.control = false;
    this.bodies = [this.element("band", "body", "Position of the gate"), this.element("band", "body")];
    this.handles = {
      start: this.element("handle", "start", "Start of the gate"),
      end: this.element("handle", "end", "End of the gate"),
    };
    this.bodies[1].setAttribute("aria-hidden", "true"); // the same gate, past the period's end
    this.releaseKeys = null;
  }

  element(kind, part, label) {
    const made = document.createElement("div");
    made.className = kind;
    made.dataset.part = part;
    if (label) {
      made.setAttribute("role", "slider");
      made.setAttribute("aria-label", label);
      made.setAttribute("aria-orientation", "horizontal");
    }
    made.addEventListener("pointerdown", (event) => this.take(event, part));
    made.addEventListener("keydown", (event) => this.key(event, part));
    this.over.append(made);
    return made;
  }

  show(gate, periodNs, control) {
    this.periodNs = periodNs;
    this.control = control;
    this.over.classList.toggle("control", control);
    for (const one of [this.bodies[0], this.handles.start, this.handles.end]) {
      one.tabIndex = control ? 0 : -1;
      one.setAttribute("aria-readonly", String(!control));
    }
    if (this.held === null && this.releaseKeys === null) this.place(gate);
  }

  place(gate) {
    this.gate = gate;
    const period = this.periodNs;
    const end = gate.startNs + gate.widthNs;
    const pieces = [[gate.startNs, Math.min(end, period)], [0, Math.max(0, end - period)]];
    pieces.forEach(([from, to], index) => {
      this.bodies[index].style.left = `${(100 * from) / period}%`;
      this.bodies[index].style.width = `${(100 * (to - from)) / period}%`;
    });
    this.handles.start.style.left = `${(100 * gate.startNs) / period}%`;
    this.handles.end.style.left = `${(100 * (end > period ? end - period : end)) / period}%`;
    tell(this.bodies[0], gate.startNs, 0, period, `${ns(gate.startNs)} for ${ns(gate.widthNs)}`);
    tell(this.handles.start, gate.startNs, 0, period, ns(gate.startNs));
    tell(this.handles.end, end, gate.startNs + SHORTEST_NS, gate.startNs + period, ns(end));
  }

  take(event, part) {
    if (!this.control || this.gate === null || event.button > 0) return;
    event.preventDefault();
    event.stopPropagation();
    const target = event.currentTarget;
    target.focus();
    target.setPointerCapture(event.pointerId);
    const from = event.clientX;
    const before = this.gate;
    this.held = part;
    const move = (moved) => {
      const byNs = ((moved.clientX - from) / this.over.clientWidth) * this.periodNs;
      this.change(before, part, byNs);
    };
    const end = (ended) => {
      target.removeEventListener("pointermove", move);
      target.removeEventListener("pointerup", end);
      target.removeEventListener("pointercancel", end);
      this.held = null;
      if (ended.type === "pointerup" && this.differs(before)) this.onRelease(this.gate);
      else this.place(before);
    };
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end);
    target.addEventListener("pointercancel", end);
  }

  key(event, part) {
    const by = KEYS[event.key];
    if (by === undefined || !this.control || this.gate === null) return;
    event.preventDefault();
    this.change(this.gate, part, event.shiftKey ? Math.sign(by) * FINE_STEP_NS : by);
    // A key held down is one change: what was reached is sent when it rests.
    clearTimeout(this.releaseKeys);
    this.releaseKeys = setTimeout(() => {
      this.releaseKeys = null;
      this.onRelease(this.gate);
    }, 500);
  }

  change({ startNs, widthNs }, part, byNs) {
    const period = this.periodNs;
    if (part === "start") {
      const by = Math.min(widthNs - SHORTEST_NS, Math.max(widthNs - period, byNs));
      startNs += by;
      widthNs -= by;
    } else if (part === "end") {
      widthNs += byNs;
    } else {
      startNs += byNs;
    }
    startNs = Math.round(100 * (((startNs % period) + period) % period)) / 100;
    widthNs = Math.round(100 * Math.min(period, Math.max(SHORTEST_NS, widthNs))) / 100;
    if (startNs >= period) startNs = 0;
    this.place({ startNs, widthNs });
    this.onChange(this.gate);
  }

  differs({ startNs, widthNs }) {
    return startNs !== this.gate.startNs || widthNs !== this.gate.widthNs;
  }
}

function tell(slider, now, low, high, words) {
  const facts = { valuenow: now.toFixed(2), valuemin: low.toFixed(2), valuemax: high.toFixed(2), valuetext: words };
  for (const [name, value] of Object.entries(facts)) slider.setAttribute(`aria-${name}`, value);
}
