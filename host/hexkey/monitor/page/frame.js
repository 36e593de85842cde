// A binary frame of the websocket as a snapshot; the layout is in docs/monitor.md.

const TYPES = { uint32: Uint32Array, float32: Float32Array, float64: Float64Array };

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
  return header.snapshot;
}
