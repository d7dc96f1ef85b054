// SM4-GCM (GB/T 32907): soft, by tables.
import type { Bytes } from "./bytes";
import { same } from "./bytes";

const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

// prettier-ignore
const SBOX = Uint8Array.from((
  "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa441326498606999c4250f491ef987a33540b43edcfac62e4b31ca9c908e89580df94fa758f3fa6" +
  "4707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d351e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89e" +
  "eabf8ad240c738b5a3f7f2cef96115a1e0ae5da49b341a55ad933230f58cb1e31df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51" +
  "8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b08969974a0c96777e65b9f109c56ec68418f07dec3adc4d2079ee5f3ed7cb3948"
).match(/../g) as string[], (pair) => parseInt(pair, 16));
const FK = [0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc];
const CK = Array.from({ length: 32 }, (_, i) => [0, 1, 2, 3].reduce((word, j) => (word << 8) | (((4 * i + j) * 7) & 0xff), 0));

const substitute = (x: number): number =>
  (SBOX[x >>> 24]! << 24) | (SBOX[(x >>> 16) & 255]! << 16) | (SBOX[(x >>> 8) & 255]! << 8) | SBOX[x & 255]!;

/** Substitution and diffusion of each byte as tables. */
const TABLES = [24, 16, 8, 0].map((shift) =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    const b = SBOX[byte]! << shift;
    return b ^ rotate(b, 2) ^ rotate(b, 10) ^ rotate(b, 18) ^ rotate(b, 24);
  }),
) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

function roundKeys(key: Bytes): Uint32Array {
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const k = Array.from({ length: 4 }, (_, i) => view.getUint32(4 * i) ^ FK[i]!);
  for (let i = 0; i < 32; i += 1) {
    const b = substitute(k[i + 1]! ^ k[i + 2]! ^ k[i + 3]! ^ CK[i]!);
    k.push(k[i]! ^ b ^ rotate(b, 13) ^ rotate(b, 23));
  }
  return Uint32Array.from(k.slice(4));
}

/** Encrypts four words in place. */
function sm4(rk: Uint32Array, x: Uint32Array): void {
  const [t0, t1, t2, t3] = TABLES;
  let a = x[0]!;
  let b = x[1]!;
  let c = x[2]!;
  let d = x[3]!;
  for (let i = 0; i < 32; i += 4) {
    let y = b ^ c ^ d ^ rk[i]!;
    a ^= t0[y >>> 24]! ^ t1[(y >>> 16) & 255]! ^ t2[(y >>> 8) & 255]! ^ t3[y & 255]!;
    y = c ^ d ^ a ^ rk[i + 1]!;
    b ^= t0[y >>> 24]! ^ t1[(y >>> 16) & 255]! ^ t2[(y >>> 8) & 255]! ^ t3[y & 255]!;
    y = d ^ a ^ b ^ rk[i + 2]!;
    c ^= t0[y >>> 24]! ^ t1[(y >>> 16) & 255]! ^ t2[(y >>> 8) & 255]! ^ t3[y & 255]!;
    y = a ^ b ^ c ^ rk[i + 3]!;
    d ^= t0[y >>> 24]! ^ t1[(y >>> 16) & 255]! ^ t2[(y >>> 8) & 255]! ^ t3[y & 255]!;
  }
  x[0] = d;
  x[1] = c;
  x[2] = b;
  x[3] = a;
}

/** SM4-GCM under one key, nonces of 12 bytes, no additional data. */
export class Sm4Gcm {
  private readonly rk: Uint32Array;
  /** For each of 16 byte places, 256 multiples of the hash key, 4 words each. */
  private readonly multiples = new Uint32Array(16 * 256 * 4);

  constructor(key: Bytes) {
    this.rk = roundKeys(key);
    const h = new Uint32Array(4);
    sm4(this.rk, h);
    this.fillMultiples(h);
  }

  seal(nonce: Bytes, plain: Uint8Array): Bytes {
    const made = new Uint8Array(plain.length + 16);
    this.stream(nonce, plain, made);
    made.set(this.tag(nonce, made.subarray(0, plain.length)), plain.length);
    return made;
  }

  /** The plaintext, or null where the tag does not fit. */
  open(nonce: Bytes, sealed: Bytes): Bytes | null {
    const body = sealed.subarray(0, Math.max(0, sealed.length - 16));
    if (sealed.length < 16 || !same(this.tag(nonce, body), sealed.subarray(body.length))) return null;
    const made = new Uint8Array(body.length);
    this.stream(nonce, body, made);
    return made;
  }

  private stream(nonce: Bytes, from: Uint8Array, into: Uint8Array): void {
    const view = new DataView(nonce.buffer, nonce.byteOffset, 12);
    const [n0, n1, n2] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
    const x = new Uint32Array(4);
    for (let at = 0, counter = 2; at < from.length; at += 16, counter += 1) {
      x[0] = n0;
      x[1] = n1;
      x[2] = n2;
      x[3] = counter;
      sm4(this.rk, x);
      const count = Math.min(16, from.length - at);
      for (let i = 0; i < count; i += 1) into[at + i] = from[at + i]! ^ (x[i >> 2]! >>> (24 - 8 * (i & 3)));
    }
  }

  private tag(nonce: Bytes, sealed: Uint8Array): Bytes {
    const y = new Uint32Array(4);
    for (let at = 0; at < sealed.length; at += 16) {
      const count = Math.min(16, sealed.length - at);
      for (let i = 0; i < count; i += 1) y[i >> 2] = y[i >> 2]! ^ (sealed[at + i]! << (24 - 8 * (i & 3)));
      this.multiply(y);
    }
    // Lengths in bits; chunks are far below 2^32 bits.
    y[3] = y[3]! ^ (sealed.length * 8);
    this.multiply(y);
    const view = new DataView(nonce.buffer, nonce.byteOffset, 12);
    const first = Uint32Array.from([view.getUint32(0), view.getUint32(4), view.getUint32(8), 1]);
    sm4(this.rk, first);
    const made = new Uint8Array(16);
    const out = new DataView(made.buffer);
    for (let i = 0; i < 4; i += 1) out.setUint32(4 * i, y[i]! ^ first[i]!);
    return made;
  }

  private fillMultiples(h: Uint32Array): void {
    const power = Uint32Array.from(h);
    for (let place = 0; place < 16; place += 1) {
      const base = place * 1024;
      // Bit 7 of a byte is the lowest power of x in GCM's order of bits.
      for (let bit = 128; bit > 0; bit >>= 1) {
        this.multiples.set(power, base + 4 * bit);
        const carry = power[3]! & 1;
        for (let i = 3; i > 0; i -= 1) power[i] = (power[i]! >>> 1) | (power[i - 1]! << 31);
        power[0] = (power[0]! >>> 1) ^ (carry ? 0xe1000000 : 0);
      }
      for (let byte = 3; byte < 256; byte += 1) {
        const low = byte & -byte;
        if (low === byte) continue;
        for (let i = 0; i < 4; i += 1) {
          this.multiples[base + 4 * byte + i] = this.multiples[base + 4 * low + i]! ^ this.multiples[base + 4 * (byte ^ low) + i]!;
        }
      }
    }
  }

  private multiply(y: Uint32Array): void {
    const table = this.multiples;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let place = 0; place < 16; place += 1) {
      const at = place * 1024 + 4 * ((y[place >> 2]! >>> (24 - 8 * (place & 3))) & 255);
      a ^= table[at]!;
      b ^= table[at + 1]!;
      c ^= table[at + 2]!;
      d ^= table[at + 3]!;
    }
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
  }
}
