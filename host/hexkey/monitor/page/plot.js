// uPlot with the page's fonts and colours, as wide as its place.

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

export function line(label, name, more = {}) {
  return { label, stroke: () => colour(name), width: 2.5, points: { show: false }, ...more };
}

export function plot(place, options, data) {
  const legendHeight = options.legend?.show === false ? 0 : 28;
  const size = () => ({ width: place.clientWidth || 300, height: Math.max(100, place.clientHeight - legendHeight) });
  const made = new uPlot({ ...size(), padding: [10, 14, 0, 0], cursor: { drag: { x: false, y: false } }, ...options }, data, place);
  new ResizeObserver(() => { if (place.clientWidth) made.setSize(size()); }).observe(place);
  onTheme(() => made.redraw(false, true));
  return made;
}
