// What is done to every byte of a sealed file: chunks sealed or opened, parts hashed. A browser's engine
// does it on the thread that asks, hence it can be left to threads beside the sealing one (`beside`).
// Buffers are taken away with an order and come back with what became of it.
import type { Bytes } from "./bytes";
import { same } from "./bytes";
import type { Cipher, SuiteName } from "./ciphers";
import { cipherOf } from "./ciphers";

export const CHUNK = 16_384;
export const TAG = 16;
export const SEALED_CHUNK = CHUNK + TAG;
export const NONCE = 12;
/** Calls of the cipher under way at once. */
const AT_ONCE = 16;

/** Chunks that follow one another; all of them are full, but the last of a payload. */
export interface ChunkOrder {
  do: "seal" | "open";
  suite: SuiteName;
  key: Bytes;
  baseNonce: Bytes;
  /** The number of the first chunk within its payload. */
  first: number;
  chunks: number;
  input: ArrayBuffer;
  /** So many bytes of the input count. */
  length: number;
  output: ArrayBuffer;
}

/** What became of chunks; `length` bytes of the output count, null where one of them does not open. */
export interface ChunkDone {
  input: ArrayBuffer;
  output: ArrayBuffer;
  length: number | null;
}

export interface PartOrder {
  do: "digest";
  buffer: ArrayBuffer;
  length: number;
}

export interface PartDone {
  buffer: ArrayBuffer;
  hash: ArrayBuffer;
}

export interface Bulk {
  chunks(order: ChunkOrder): Promise<ChunkDone>;
  digest(order: PartOrder): Promise<PartDone>;
}

/** The nonce of a chunk: its number is XORed into the base as in TLS 1.3. */
function nonceOf(base: Bytes, chunk: number): Bytes {
  const nonce = base.slice();
  for (let at = NONCE - 1, rest = chunk; rest > 0; at -= 1) {
    nonce[at] = (nonce[at] as number) ^ (rest & 0xff);
    rest = Math.floor(rest / 256);
  }
  return nonce;
}

// WebCrypto gives every result in a buffer of its own, and some 100 MiB of them gather before a browser
// collects any. What is moved to a worker that has ended is freed at once.
let ended: Worker | null = null;

/** Gives back the memory of buffers that are used up. */
export function free(buffers: ArrayBuffer[]): void {
  if (typeof Worker === "undefined") return;
  if (ended === null) {
    ended = new Worker("/helper.js", { type: "module" });
    ended.terminate();
  }
  ended.postMessage(null, buffers);
}

/** The work on the thread that asks. */
export class BulkHere implements Bulk {
  private key: Bytes = new Uint8Array();
  private cipher: Cipher | null = null;

  async chunks(order: ChunkOrder): Promise<ChunkDone> {
    const cipher = await this.cipherOf(order);
    const [taken, given] = order.do === "seal" ? [CHUNK, SEALED_CHUNK] : [SEALED_CHUNK, CHUNK];
    const input = new Uint8Array(order.input, 0, order.length);
    const output = new Uint8Array(order.output);
    const one = (at: number): Promise<ArrayBuffer> => cipher[order.do](nonceOf(order.baseNonce, order.first + at), input.subarray(at * taken, (at + 1) * taken));
    let length: number | null = 0;
    for (let at = 0; at < order.chunks && length !== null; at += AT_ONCE) {
      const running = Array.from({ length: Math.min(AT_ONCE, order.chunks - at) }, (_, n) => one(at + n));
      length = (await gather(running, output.subarray(at * given), given)) ? order.length + order.chunks * (given - taken) : null;
    }
    return { input: order.input, output: order.output, length };
  }

  async digest({ buffer, length }: PartOrder): Promise<PartDone> {
    return { buffer, hash: await crypto.subtle.digest("SHA-256", new Uint8Array(buffer, 0, length)) };
  }

  private async cipherOf({ suite, key }: ChunkOrder): Promise<Cipher> {
    if (this.cipher === null || !same(key, this.key)) [this.key, this.cipher] = [key.slice(), await cipherOf(suite, key)];
    return this.cipher;
  }
}

/** Copies results to their places, so many bytes apart; false where one was refused. */
async function gather(running: Promise<ArrayBuffer>[], target: Bytes, step: number): Promise<boolean> {
  const found = await Promise.allSettled(running);
  const made = found.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (made.length < found.length) return false;
  made.forEach((one, at) => target.set(new Uint8Array(one), at * step));
  free(made);
  return true;
}
