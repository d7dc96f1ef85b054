// SM2 and SM3 (GB/T 32918, 32905). Soft and not constant time in the points: what it
// protects in a browser is named in the threat model; a certified module is required in production.
import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import type { Bytes } from "./bytes";
import { bigEndian, concat, same, toBigInt, utf8 } from "./bytes";
import { kdfOf } from "./hashing";

// ---- SM3

const IV = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
const ROUND = Array.from({ length: 64 }, (_, j) => rotate(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32));

function compress(state: Uint32Array, view: DataView, at: number, w: Uint32Array): void {
  for (let j = 0; j < 16; j += 1) w[j] = view.getUint32(at + 4 * j);
  for (let j = 16; j < 68; j += 1) {
    const x = w[j - 16]! ^ w[j - 9]! ^ rotate(w[j - 3]!, 15);
    w[j] = x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(w[j - 13]!, 7) ^ w[j - 6]!;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let j = 0; j < 64; j += 1) {
    const a12 = rotate(a, 12);
    const ss1 = rotate((a12 + e + ROUND[j]!) | 0, 7);
    const tt1 = ((j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c)) + d + (ss1 ^ a12) + (w[j]! ^ w[j + 4]!)) | 0;
    const tt2 = ((j < 16 ? e ^ f ^ g : (e & f) | (~e & g)) + h + ss1 + w[j]!) | 0;
    d = c;
    c = rotate(b, 9);
    b = a;
    a = tt1;
    h = g;
    g = rotate(f, 19);
    f = e;
    e = tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17);
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => {
    state[i] = state[i]! ^ value;
  });
}

export function sm3(data: Uint8Array): Bytes {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(data.length) * 8n);
  const state = Uint32Array.from(IV);
  const w = new Uint32Array(68);
  for (let at = 0; at < padded.length; at += 64) compress(state, view, at, w);
  const made = new Uint8Array(32);
  state.forEach((word, i) => new DataView(made.buffer).setUint32(4 * i, word));
  return made;
}

function hmac(key: Uint8Array, message: Uint8Array): Bytes {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sm3(key) : key);
  const pad = (byte: number): Bytes => block.map((one) => one ^ byte);
  return sm3(concat(pad(0x5c), sm3(concat(pad(0x36), message))));
}

export const HKDF_SM3 = kdfOf(hmac);

// ---- SM2

const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const A = 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n;
const GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n;
export const ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const Point = weierstrass({ p: P, n: ORDER, h: 1n, a: A, b: B, Gx: GX, Gy: GY });
const SIGNER = utf8("1234567812345678");

/** Reads 65 bytes of a point; throws for anything that is not on the curve. */
function readPoint(raw: Uint8Array): InstanceType<typeof Point> {
  if (raw.length !== 65 || raw[0] !== 4) throw new Error("expected an uncompressed point");
  const point = Point.fromBytes(raw);
  point.assertValidity();
  return point;
}

export function isPoint(raw: Uint8Array): boolean {
  try {
    readPoint(raw);
    return true;
  } catch {
    return false;
  }
}

export const publicOf = (scalar: bigint): Bytes => new Uint8Array(Point.BASE.multiply(scalar).toBytes(false));

/** x‖y of a scalar times a point. */
export const exchange = (scalar: bigint, raw: Uint8Array): Bytes => new Uint8Array(readPoint(raw).multiply(scalar).toBytes(false)).slice(1);

/** A scalar from at least 40 bytes, so that it is uniform: 1 + (number mod (n − 1)). */
export const scalarFrom = (seed: Uint8Array): bigint => 1n + (toBigInt(seed) % (ORDER - 1n));

function keyStream(shared: Bytes, length: number): Bytes {
  let made: Bytes = new Uint8Array();
  for (let counter = 1; made.length < length; counter += 1) made = concat(made, sm3(concat(shared, bigEndian(counter, 4))));
  return made.slice(0, length);
}

const xor = (a: Bytes, b: Bytes): Bytes => a.map((byte, at) => byte ^ b[at]!);

/** C1‖C3‖C2 of a message for a point; null where the key stream is all zero (then: new secrets). */
export function encrypt(point: Bytes, message: Bytes, scalar: bigint): Bytes | null {
  const shared = exchange(scalar, point);
  const stream = keyStream(shared, message.length);
  if (stream.every((byte) => byte === 0)) return null;
  return concat(publicOf(scalar), sm3(concat(shared.slice(0, 32), message, shared.slice(32))), xor(message, stream));
}

/** The message of C1‖C3‖C2, given x‖y of the holder's scalar times C1; null for a wrong C3. */
export function decrypt(shared: Bytes, wrapped: Bytes): Bytes | null {
  const sealed = wrapped.slice(97);
  const stream = keyStream(shared, sealed.length);
  if (stream.every((byte) => byte === 0)) return null;
  const message = xor(sealed, stream);
  return same(sm3(concat(shared.slice(0, 32), message, shared.slice(32))), wrapped.slice(65, 97)) ? message : null;
}

/** SM2 with SM3 over a message, r‖s, for the default signer id. */
export function verify(raw: Uint8Array, message: Uint8Array, sig: Uint8Array): boolean {
  const [r, s] = [toBigInt(sig.slice(0, 32)), toBigInt(sig.slice(32))];
  if (sig.length !== 64 || r <= 0n || r >= ORDER || s <= 0n || s >= ORDER) return false;
  const t = (r + s) % ORDER;
  if (t === 0n) return false;
  const key = readPoint(raw);
  const curve = [A, B, GX, GY].map((value) => bigEndian(value, 32));
  const za = sm3(concat(bigEndian(SIGNER.length * 8, 2), SIGNER, ...curve, raw.slice(1)));
  const e = toBigInt(sm3(concat(za, message)));
  const sum = Point.BASE.multiply(s).add(key.multiply(t));
  return !sum.is0() && (e + sum.toAffine().x) % ORDER === r;
}
