// The payload (2.3): C2SP chunked encryption. Salt 24, commitment 32, then chunks of 16 KiB of which
// the last is always shorter.
import type { Bulk, ChunkDone, ChunkOrder } from "./bulk";
import { CHUNK, NONCE, SEALED_CHUNK, TAG, free } from "./bulk";
import type { Bytes } from "./bytes";
import { concat, same, utf8 } from "./bytes";
import { Refused, SealFailed } from "./refused";
import type { Suite } from "./suite";

export const SALT = 24;
export const OVERHEAD = SALT + 32;
/** 1 MiB goes to a helper at once. */
const BLOCK_CHUNKS = 64;
const BLOCK = BLOCK_CHUNKS * CHUNK;
const SEALED_BLOCK = BLOCK_CHUNKS * SEALED_CHUNK;

/** Gives the next bytes of a file, at most so many; an empty answer is its end. */
export type Source = (most: number) => Promise<Bytes>;

export type Sink = (block: Bytes) => Promise<void>;

export const cipherLength = (plain: number): number => OVERHEAD + plain + TAG * (Math.floor(plain / CHUNK) + 1);

export interface PayloadKeys {
  key: Bytes;
  baseNonce: Bytes;
  commitment: Bytes;
}

export function payloadKeys(suite: Suite, inputKey: Bytes, salt: Bytes, context: Bytes): PayloadKeys {
  if (inputKey.length !== suite.inputKeyLength || salt.length !== SALT) {
    throw new SealFailed("key", `expected an input key of ${suite.inputKeyLength} bytes, got ${inputKey.length}`);
  }
  const keyEnd = suite.inputKeyLength;
  const made = suite.payloadKdf.expand(inputKey, concat(utf8(suite.payloadLabel), salt, context), keyEnd + NONCE + 32);
  return { key: made.slice(0, keyEnd), baseNonce: made.slice(keyEnd, keyEnd + NONCE), commitment: made.slice(keyEnd + NONCE) };
}

/** Reads exactly so many bytes into a buffer; fewer only at the end of the source. */
class Filling {
  private rest: Bytes = new Uint8Array();

  constructor(private readonly source: Source) {}

  async fill(target: Bytes): Promise<number> {
    let done = 0;
    while (done < target.length) {
      if (this.rest.length === 0) this.rest = await this.source(target.length - done);
      if (this.rest.length === 0) break;
      const taken = this.rest.subarray(0, target.length - done);
      target.set(taken, done);
      done += taken.length;
      this.rest = this.rest.subarray(taken.length);
    }
    return done;
  }

  async isAtEnd(): Promise<boolean> {
    if (this.rest.length === 0) this.rest = await this.source(1);
    return this.rest.length === 0;
  }
}

/** A block on its way: how many bytes were loaded, and whether it is the payload's last. */
interface Loaded {
  length: number;
  chunks: number;
  isLast: boolean;
}

/**
 * Takes blocks from `load` through the cipher into `sink`. Three things go on at once: a block is read,
 * the one before it is sealed or opened, and the one before that is written and hashed.
 */
async function pump(order: Pick<ChunkOrder, "do" | "suite" | "key" | "baseNonce">, load: (into: ArrayBuffer) => Promise<Loaded>, sink: Sink, bulk: Bulk): Promise<void> {
  const sizes = order.do === "seal" ? ([BLOCK, SEALED_BLOCK] as const) : ([SEALED_BLOCK, BLOCK] as const);
  const rooms = [0, 1].map(() => ({ input: new ArrayBuffer(sizes[0]), output: new ArrayBuffer(sizes[1]) }));
  let first = 0;
  let running: Promise<ChunkDone> | null = null;
  const drain = async (done: ChunkDone): Promise<void> => {
    if (done.length === null) throw new SealFailed("chunk", `a chunk up to number ${first - 1} does not open; it was changed`);
    await sink(new Uint8Array(done.output, 0, done.length));
    rooms.push(done);
  };
  for (let isLast = false; !isLast; ) {
    const { input, output } = rooms.pop() as ChunkDone;
    const block = await load(input);
    const before: ChunkDone | null = await running;
    running = bulk.chunks({ ...order, first, chunks: block.chunks, input, length: block.length, output });
    running.catch(() => undefined);
    if (before !== null) await drain(before);
    first += block.chunks;
    isLast = block.isLast;
  }
  await drain((await running) as ChunkDone);
  free(rooms.flatMap(({ input, output }) => [input, output]));
}

/**
 * The payload of exactly `length` bytes of a source, block after block into `sink`, whose blocks are
 * used again as soon as it has returned. Refuses a source that is shorter or longer: it changed.
 */
export async function encrypt(source: Source, length: number, suite: Suite, keys: PayloadKeys, salt: Bytes, sink: Sink, bulk: Bulk): Promise<void> {
  await sink(concat(salt, keys.commitment));
  const input = new Filling(source);
  const changed = (got: string): Refused => new Refused("E_LENGTH_FORMULA", `expected ${length} bytes to seal, got ${got}; the file changed`);
  let remaining = length;
  const load = async (into: ArrayBuffer): Promise<Loaded> => {
    const block = new Uint8Array(into, 0, Math.min(BLOCK, remaining));
    if ((await input.fill(block)) !== block.length) throw changed("fewer");
    remaining -= block.length;
    const isLast = block.length < BLOCK;
    return { length: block.length, chunks: Math.floor(block.length / CHUNK) + (isLast ? 1 : 0), isLast };
  };
  await pump({ do: "seal", suite: suite.name, key: keys.key, baseNonce: keys.baseNonce }, load, sink, bulk);
  if (!(await input.isAtEnd())) throw changed("more");
}

/**
 * The plaintext of a payload of `length` bytes, block after block into `sink`. Refuses with
 * `SealFailed`; what came before a refusal is not authentic as a whole.
 */
export async function decrypt(source: Source, length: number, suite: Suite, inputKey: Bytes, context: Bytes, sink: Sink, bulk: Bulk): Promise<void> {
  let body = length - OVERHEAD;
  // A body of full chunks alone was cut: the last chunk is shorter by definition.
  if (body < TAG || body % SEALED_CHUNK < TAG) throw new SealFailed("length", "expected whole chunks and a shorter last one");
  const input = new Filling(source);
  const head = new Uint8Array(OVERHEAD);
  if ((await input.fill(head)) !== OVERHEAD) throw new SealFailed("length", "expected salt and commitment, got fewer bytes");
  // The commitment is checked before the first chunk: a wrong key yields nothing at all.
  const keys = payloadKeys(suite, inputKey, head.slice(0, SALT), context);
  if (!same(keys.commitment, head.subarray(SALT))) throw new SealFailed("commitment", "the keys are not those of this sealed content");
  const load = async (into: ArrayBuffer): Promise<Loaded> => {
    const block = new Uint8Array(into, 0, Math.min(SEALED_BLOCK, body));
    if ((await input.fill(block)) !== block.length) throw new SealFailed("length", "expected more bytes, the sealed content is cut off");
    body -= block.length;
    return { length: block.length, chunks: Math.ceil(block.length / SEALED_CHUNK), isLast: body === 0 };
  };
  await pump({ do: "open", suite: suite.name, key: keys.key, baseNonce: keys.baseNonce }, load, sink, bulk);
  if (!(await input.isAtEnd())) throw new SealFailed("length", "expected the end, the sealed content goes on");
}
