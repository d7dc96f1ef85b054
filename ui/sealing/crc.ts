// CRC-32 of zip, eight bytes a step.
const TABLES: Uint32Array[] = [
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  }),
];
for (let n = 1; n < 8; n += 1) {
  const before = TABLES[n - 1] as Uint32Array;
  TABLES.push(before.map((value) => (value >>> 8) ^ (TABLES[0] as Uint32Array)[value & 255]!));
}
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];

export class Crc32 {
  private state = 0xffffffff;

  update(data: Uint8Array): void {
    let c = this.state;
    let at = 0;
    for (const end = data.length - 7; at < end; at += 8) {
      const low = c ^ (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24));
      c =
        T7[low & 255]! ^ T6[(low >>> 8) & 255]! ^ T5[(low >>> 16) & 255]! ^ T4[low >>> 24]! ^
        T3[data[at + 4]!]! ^ T2[data[at + 5]!]! ^ T1[data[at + 6]!]! ^ T0[data[at + 7]!]!;
    }
    for (; at < data.length; at += 1) c = (c >>> 8) ^ T0[(c ^ data[at]!) & 255]!;
    this.state = c;
  }

  get value(): number {
    return (this.state ^ 0xffffffff) >>> 0;
  }
}
