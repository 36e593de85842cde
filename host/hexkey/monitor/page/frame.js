// A binary frame of the websocket as a snapshot; the layout is in docs/monitor.md.

const TYPES = { uint32: Uint32Array, float32: Float32Array, float64: Float64Array };

// What a server that is older than the page may leave out.
const BLANK = {
  board: "", state: "", makes_key: false, seconds: 0, protocol: null, label: null, message: null,
  clicks_hz: null, events_hz: null, losses: {}, trigger: {}, histogram: null, gate: null, blocks: [],
  blocks_ok: 0, blocks_dropped: {}, qber: null, qber_abort: null, sifted_hz: null, secret_hz: null,
  epsilon: null, epsilon_limit: null, g2: [], keys: {}, alarms: [], maps: null, control: false,
};

export function decode(buffer) {
  const head = new DataView(buffer);
  if (head.getUint32(0, false) !== 0x484b4d31) throw new Error("not a frame of this version");
  const length = head.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  let at = 8 + length;
  for (const { path, type, shape } of header.arrays) {
    const Type = TYPES[type];
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = count * Type.BYTES_PER_ELEMENT;
    // A copy: a float64 array may begin where it may not be read in place.
    const array = new Type(buffer.slice(at, at + bytes));
    const [part, name] = path.split(".");
    header.snapshot[part][name] = array;
    at += bytes;
  }
  return { ...BLANK, time_unix_s: Date.now() / 1000, ...header.snapshot };
}
