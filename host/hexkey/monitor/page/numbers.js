// Numbers for people: three digits and a unit that fits.

const LARGE = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

export function parts(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return ["–", ""];
  const size = Math.abs(value);
  const [factor, prefix] = LARGE.find(([factor]) => size >= factor) ?? [1, ""];
  const scaled = value / factor;
  const digits = factor === 1 && Number.isInteger(value) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.max(1, Math.abs(scaled)))));
  return [scaled.toFixed(digits), prefix + unit];
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
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`;
}

export function count(value) {
  return Math.round(value).toLocaleString("en");
}

export function duration(seconds) {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function ns(value) {
  return `${value.toFixed(2)} ns`;
}
