// Maps over the gate's start and width, each on a canvas of its own.

import { hover } from "/page/hover.js";
import { count, ns, percent, short } from "/page/numbers.js";
import { colour, onTheme } from "/page/theme.js";

// Cividis, in seven stops: even steps of lightness, the same to colour-blind eyes.
const STOPS = [[0, 34, 78], [35, 62, 108], [87, 93, 109], [124, 123, 120], [165, 156, 116], [211, 193, 100], [254, 232, 56]];
const SHADES = 256;
const LEFT = 58, BOTTOM = 46, TOP = 8, RIGHT = 108;
const RATIO = Math.min(2, window.devicePixelRatio || 1);
const rate = (value) => short(value, "bit/s");
const MAPS = [
  ["map-sifted", "sifted_hz", "sifted", rate],
  ["map-qber", "qber", "QBER", (value) => percent(value, 1)],
  ["map-secret", "secret_hz", "secret", rate],
];
const element = (id) => document.getElementById(id);

function shade(share) {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const index = Math.min(STOPS.length - 2, Math.floor(at));
  return STOPS[index].map((from, part) => Math.round(from + (at - index) * (STOPS[index + 1][part] - from)));
}

const PALETTE = Array.from({ length: SHADES }, (_, index) => shade(index / (SHADES - 1)));

// A grid's values along one side of the picture: a value stands at the centre of its cell.
export class Side {
  constructor(values, from, length, upwards) {
    Object.assign(this, { values, from, length, upwards });
    this.low = values[0];
    this.high = values[values.length - 1];
  }

  at(value) {
    const last = this.values.length - 1;
    const cell = last ? ((value - this.low) / (this.high - this.low)) * last : 0;
    const share = (cell + 0.5) / this.values.length;
    return this.from + (this.upwards ? 1 - share : share) * this.length;
  }

  cell(place) {
    const share = (place - this.from) / this.length;
    const index = Math.floor((this.upwards ? 1 - share : share) * this.values.length);
    return index >= 0 && index < this.values.length ? index : null;
  }

  // Round numbers within the grid, some five of them.
  marks() {
    const span = this.high - this.low;
    if (!(span > 0)) return [this.low];
    const tens = 10 ** Math.floor(Math.log10(span / 5));
    const step = [1, 2, 5, 10].map((factor) => factor * tens).find((one) => span / one <= 5.5);
    const found = [];
    for (let index = Math.ceil(this.low / step - 1e-6); index * step <= this.high + 1e-6 * step; index++) found.push(index * step);
    return found;
  }
}

function picture(values, starts, widths, low, high) {
  const made = new ImageData(starts.length, widths.length);
  const scale = high > low ? (SHADES - 1) / (high - low) : 0;
  for (let row = 0; row < starts.length; row++) {
    for (let column = 0; column < widths.length; column++) {
      const value = values[row * widths.length + column];
      if (!Number.isFinite(value)) continue;
      const [red, green, blue] = PALETTE[Math.round((value - low) * scale)];
      const at = 4 * ((widths.length - 1 - column) * starts.length + row);
      made.data[at] = red; made.data[at + 1] = green; made.data[at + 2] = blue; made.data[at + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(starts.length, widths.length);
  small.getContext("2d").putImageData(made, 0, 0);
  return small;
}

function sides({ start_ns: starts, width_ns: widths }, canvas) {
  return [
    new Side(starts, LEFT, canvas.clientWidth - LEFT - RIGHT, false),
    new Side(widths, TOP, canvas.clientHeight - TOP - BOTTOM, true),
  ];
}

function draw(canvas, values, maps, gate, words) {
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const context = canvas.getContext("2d");
  if (canvas.width !== width * RATIO || canvas.height !== height * RATIO) {
    canvas.width = width * RATIO; canvas.height = height * RATIO;
  }
  context.setTransform(RATIO, 0, 0, RATIO, 0, 0);
  context.clearRect(0, 0, width, height);
  let low = Infinity, high = -Infinity;
  for (const value of values) if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  const [across, up] = sides(maps, canvas);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture(values, maps.start_ns, maps.width_ns, low, high), LEFT, TOP, across.length, up.length);
  context.fillStyle = context.strokeStyle = colour("soft");
  context.font = "14px system-ui, 'DejaVu Sans', sans-serif";
  context.lineWidth = 1;
  context.strokeRect(LEFT, TOP, across.length, up.length);
  const bottom = TOP + up.length;
  context.textAlign = "center";
  for (const mark of across.marks()) {
    context.fillText(+mark.toFixed(3), across.at(mark), bottom + 20);
    context.fillRect(across.at(mark), bottom, 1, 5);
  }
  context.fillText("start / ns", LEFT + across.length / 2, height - 6);
  context.textAlign = "right";
  for (const mark of up.marks()) {
    context.fillText(+mark.toFixed(3), LEFT - 8, up.at(mark) + 5);
    context.fillRect(LEFT - 5, up.at(mark), 5, 1);
  }
  context.save();
  context.translate(14, TOP + up.length / 2); context.rotate(-Math.PI / 2); context.textAlign = "center";
  context.fillText("width / ns", 0, 0);
  context.restore();
  if (high >= low) {
    for (let step = 0; step < 64; step++) {
      context.fillStyle = `rgb(${shade(1 - step / 63)})`;
      context.fillRect(width - RIGHT + 12, TOP + (step * up.length) / 64, 12, up.length / 64 + 1);
    }
    context.fillStyle = colour("soft");
    context.textAlign = "left";
    context.fillText(words(high), width - RIGHT + 28, TOP + 12);
    if (high > low) context.fillText(words(low), width - RIGHT + 28, bottom);
  }
  if (ringed(gate, maps)) ring(context, across.at(gate.start_ps / 1000), up.at(gate.width_ps / 1000));
}

function ring(context, x, y) {
  context.beginPath(); context.arc(x, y, 7, 0, 7);
  context.strokeStyle = "#fff"; context.lineWidth = 5; context.stroke();
  context.strokeStyle = "#d55e00"; context.lineWidth = 2.5; context.stroke();
}

function ringed(gate, maps) {
  const within = (values, value) => values[0] <= value && value <= values[values.length - 1];
  return gate && within(maps.start_ns, gate.start_ps / 1000) && within(maps.width_ns, gate.width_ps / 1000);
}

function same(one, other) {
  if (one?.length !== other?.length) return false;
  for (let index = 0; index < one?.length; index++) if (!Object.is(one[index], other[index])) return false;
  return true;
}

let shown = null;

// Drawn when something changed alone: a hundred thousand pixels are much for ten times a second.
export function showMaps(snapshot) {
  const { maps, gate } = snapshot, before = shown;
  element("maps").hidden = !maps;
  shown = maps && snapshot;
  if (!maps) return;
  const kind = snapshot.protocol === "bb84" ? "clicks of the key basis" : "disclosed clicks";
  const clicks = maps.disclosed == null ? "" : `, QBER of ${count(maps.disclosed)} ${kind}`;
  element("map-secret-name").textContent = `secret rate${unproven(maps)}`;
  element("maps-note").textContent = `of ${maps.seconds?.toFixed(0) ?? "–"} s${clicks}${ringed(gate, maps) ? "; the ring is the gate" : ""}`;
  const moved = gate?.start_ps !== before?.gate?.start_ps || gate?.width_ps !== before?.gate?.width_ps;
  const names = ["start_ns", "width_ns", ...MAPS.map(([, name]) => name)];
  if (!before || moved || names.some((name) => !same(maps[name], before.maps[name]))) drawAll();
}

function drawAll() {
  const { maps, gate } = shown;
  for (const [id, name, , words] of MAPS) draw(element(id), maps[name] ?? [], maps, gate, words);
}

// The cell under the pointer, on all the maps; its numbers are told once.
function reading(canvas, x, y) {
  const { maps } = shown ?? {};
  const [across, up] = maps ? sides(maps, canvas) : [];
  const row = across?.cell(x) ?? null, column = up?.cell(y) ?? null;
  const found = row !== null && column !== null;
  for (const [id] of MAPS) {
    const mark = element(id).nextElementSibling;
    mark.hidden = !found;
    if (!found) continue;
    const wide = across.length / across.values.length, high = up.length / up.values.length;
    Object.assign(mark.style, {
      left: `${element(id).offsetLeft + LEFT + row * wide}px`, width: `${wide}px`,
      top: `${element(id).offsetTop + TOP + (up.values.length - 1 - column) * high}px`, height: `${high}px`,
    });
  }
  if (!found) return null;
  const at = row * up.values.length + column;
  const start = across.values[row], width = up.values[column];
  return {
    title: `start ${ns(start)}, width ${ns(width)}`,
    rows: MAPS.map(([, name, label, words]) => [
      name === "secret_hz" ? label + unproven(maps) : label, words(maps[name]?.[at]) + error(maps, name, at),
    ]),
  };
}

// Said unless the server says that there is a proof.
const unproven = (maps) => (maps.unproven === false ? "" : ", unproven");

// One standard deviation, where there is one.
function error(maps, name, at) {
  const sigma = name === "qber" ? maps.sigma_qber?.[at] : undefined;
  return Number.isFinite(sigma) ? ` ± ${percent(sigma, 2)}` : "";
}

for (const [id] of MAPS) {
  const canvas = element(id), mark = document.createElement("i");
  mark.className = "cell";
  mark.hidden = true;
  canvas.after(mark);
  hover(canvas, (x, y) => reading(canvas, x, y));
}
const again = () => { if (shown) drawAll(); };
onTheme(again);
new ResizeObserver(again).observe(element("map-row"));
