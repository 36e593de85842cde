// Numbers for people: three digits and a unit that fits.

const LARGE = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];
const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const DAY_S = 86400;

// How far marks of a time axis may be apart, in seconds.
export const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, DAY_S, 2 * DAY_S, 5 * DAY_S, 10 * DAY_S];

export function parts(value, unit) {
  if (!Number.isFinite(value)) return ["–", ""];
  if (Number.isInteger(value) && Math.abs(value) < 1000) return [String(value), unit];
  const rounded = +value.toPrecision(3), size = Math.abs(rounded); // first: 999.9 is 1.00 k
  const [factor, prefix] = LARGE.find(([factor]) => size >= factor) ?? [1, ""];
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(1, size / factor))));
  return [(rounded / factor).toFixed(digits), prefix + unit];
}

export function short(value, unit = "") {
  return parts(value, unit).join(" ").trim();
}

// Marks of an axis, as uPlot asks for them: no zeros that say nothing.
export function ticks(u, marks) {
  return marks.map((mark) => {
    if (mark === null) return "";
    const [number, unit] = parts(mark, "");
    return `${+number}${unit && ` ${unit}`}`;
  });
}

export function percent(value, digits = 2) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(digits)} %` : "–";
}

// A small number as people write it: 5.8 × 10⁻⁹.
export function power(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const [digits, exponent] = value.toExponential(1).split("e");
  return `${digits} × 10${[...String(+exponent)].map((one) => SUPERSCRIPTS[one]).join("")}`;
}

export function count(value) {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en") : "–";
}

export function duration(seconds) {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

const two = (number) => String(number).padStart(2, "0");

// A time since the start to the second.
export function moment(seconds) {
  const whole = Math.round(seconds);
  const [h, min, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h) return `${h} h ${two(min)} min ${two(s)} s`;
  return min ? `${min} min ${two(s)} s` : `${s} s`;
}

// The unit that an axis of times is written in: up to `last`, with marks `step` apart.
export function clockUnit(last, step) {
  if (last < 120) return "s";
  if (step % 3600 === 0) return "h";
  if (step % 60 === 0) return last < 7200 ? "min" : "h:min";
  return last < 3600 ? "min:s" : "h:min:s";
}

export function clock(seconds, unit) {
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60), Math.round(seconds % 60)];
  switch (unit) {
    case "s": return String(seconds);
    case "min": return String(min);
    case "h": return String(h);
    case "h:min": return `${h}:${two(min % 60)}`;
    case "min:s": return `${min}:${two(s)}`;
    default: return `${h}:${two(min % 60)}:${two(s)}`;
  }
}

export function ns(value) {
  return `${value.toFixed(2)} ns`;
}
