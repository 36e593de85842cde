// uPlot with the page's fonts and colours, as wide as its place.

import { STEPS_S, clock, clockUnit } from "/page/numbers.js";
import { colour, onTheme } from "/page/theme.js";

const FONT = "14px system-ui, 'DejaVu Sans', sans-serif";

export function axis(label, size, values) {
  return {
    label, size, values, font: FONT, labelFont: FONT, labelSize: 22,
    stroke: () => colour("soft"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1 },
  };
}

// Time since the start: seconds, minutes or hours, as fits what is shown.
export function timeAxis() {
  const unit = (u, step) => clockUnit(u.scales.x.max, step);
  return {
    ...axis((u, index, step) => `time since the start / ${unit(u, step)}`, 34,
      (u, marks, index, space, step) => marks.map((mark) => clock(mark, unit(u, step)))),
    incrs: STEPS_S,
    space: (u, index, low, high) => (clockUnit(high, high - low < 300 ? 1 : 60) === "h:min:s" ? 84 : 52),
  };
}

// A y axis, with no more marks on a high plot than one reads.
export function upright(label, size, values) {
  return { ...axis(label, size, values), space: (u, index, low, high, length) => Math.max(30, length / 9) };
}

export function line(label, name, more = {}) {
  return { label, stroke: () => colour(name), width: 2.5, points: { show: false }, ...more };
}

export function plot(place, options, data) {
  const legendHeight = options.legend?.show === false ? 0 : 28;
  const size = () => ({ width: place.clientWidth || 300, height: Math.max(100, place.clientHeight - legendHeight) });
  const made = new uPlot({ ...size(), padding: [10, 14, 0, 0], cursor: CURSOR, ...options }, data, place);
  const shown = () => made.root.isConnected && place.clientWidth;
  new ResizeObserver(() => { if (shown()) made.setSize(size()); }).observe(place);
  onTheme(() => {
    if (!shown()) return;
    made.redraw(false, true);
    // The legend's marks are elements, which keep the colours that they were made with.
    made.root.querySelectorAll(".u-series .u-marker").forEach((mark, index) => {
      mark.style.borderColor = made.series[index + 1].stroke();
    });
  });
  return made;
}

// A line below the pointer, whatever lies over the plot.
const CURSOR = { drag: { x: false, y: false }, y: false, bind: { mousemove: (u, target, handler) => handler } };
