// Maps over the gate's start and width, on a canvas.

import { colour } from "/page/theme.js";
import { percent, short } from "/page/numbers.js";

// Cividis, in seven stops: even steps of lightness, the same to colour-blind eyes.
const STOPS = [[0, 34, 78], [35, 62, 108], [87, 93, 109], [124, 123, 120], [165, 156, 116], [211, 193, 100], [254, 232, 56]];
const LEFT = 58, BOTTOM = 46, TOP = 8, RIGHT = 108;
const RATIO = Math.min(2, window.devicePixelRatio || 1);

function shade(share) {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const index = Math.min(STOPS.length - 2, Math.floor(at));
  return STOPS[index].map((from, part) => Math.round(from + (at - index) * (STOPS[index + 1][part] - from)));
}

function draw(id, values, maps, gate, words) {
  const canvas = document.getElementById(id);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * RATIO; canvas.height = height * RATIO;
  const context = canvas.getContext("2d");
  context.scale(RATIO, RATIO);
  const starts = maps.start_ns, widths = maps.width_ns;
  let low = Infinity, high = -Infinity;
  for (const value of values) if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  const picture = new ImageData(starts.length, widths.length);
  for (let row = 0; row < starts.length; row++) {
    for (let column = 0; column < widths.length; column++) {
      const value = values[row * widths.length + column];
      const at = 4 * ((widths.length - 1 - column) * starts.length + row);
      if (!Number.isFinite(value)) continue;
      picture.data.set([...shade(high > low ? (value - low) / (high - low) : 0.5), 255], at);
    }
  }
  const small = new OffscreenCanvas(starts.length, widths.length);
  small.getContext("2d").putImageData(picture, 0, 0);
  const across = width - LEFT - RIGHT, up = height - TOP - BOTTOM;
  context.imageSmoothingEnabled = false;
  context.drawImage(small, LEFT, TOP, across, up);
  context.fillStyle = context.strokeStyle = colour("soft");
  context.strokeRect(LEFT, TOP, across, up);
  context.font = "14px system-ui, 'DejaVu Sans', sans-serif";
  const first = starts[0], last = starts.at(-1), narrow = widths[0], wide = widths.at(-1);
  context.textAlign = "center";
  for (const share of [0, 0.5, 1]) {
    context.fillText((first + share * (last - first)).toFixed(1), LEFT + share * across, TOP + up + 18);
  }
  context.fillText("start / ns", LEFT + across / 2, height - 8);
  context.textAlign = "right";
  for (const share of [0, 0.5, 1]) {
    context.fillText((narrow + share * (wide - narrow)).toFixed(1), LEFT - 6, TOP + (1 - share) * (up - 10) + 10);
  }
  context.save();
  context.translate(14, TOP + up / 2); context.rotate(-Math.PI / 2); context.textAlign = "center";
  context.fillText("width / ns", 0, 0);
  context.restore();
  for (let step = 0; step < 64; step++) {
    context.fillStyle = `rgb(${shade(1 - step / 63)})`;
    context.fillRect(width - RIGHT + 12, TOP + (step * up) / 64, 12, up / 64 + 1);
  }
  context.fillStyle = colour("soft");
  context.textAlign = "left";
  if (high >= low) {
    context.fillText(words(high), width - RIGHT + 28, TOP + 12);
    context.fillText(words(low), width - RIGHT + 28, TOP + up);
  }
  if (!gate) return;
  const x = LEFT + ((gate.start_ps / 1000 - first) / (last - first)) * across;
  const y = TOP + (1 - (gate.width_ps / 1000 - narrow) / (wide - narrow)) * up;
  if (x < LEFT || x > LEFT + across || y < TOP || y > TOP + up) return;
  context.strokeStyle = "#fff"; context.lineWidth = 5;
  context.beginPath(); context.arc(x, y, 7, 0, 7); context.stroke();
  context.strokeStyle = "#d55e00"; context.lineWidth = 2.5; context.stroke();
}

function within(values, value) {
  return values[0] <= value && value <= values.at(-1);
}

export function showMaps({ maps, gate }) {
  document.getElementById("maps").hidden = !maps;
  if (!maps) return;
  const ring = gate && within(maps.start_ns, gate.start_ps / 1000) && within(maps.width_ns, gate.width_ps / 1000);
  document.getElementById("maps-note").textContent = `of ${maps.seconds.toFixed(0)} s${ring ? "; the ring is the gate" : ""}`;
  draw("map-sifted", maps.sifted_hz, maps, gate, (value) => short(value, "bit/s"));
  draw("map-qber", maps.qber, maps, gate, (value) => percent(value, 1));
  draw("map-secret", maps.secret_hz_unproven, maps, gate, (value) => short(value, "bit/s"));
}
