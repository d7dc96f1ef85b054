// The payload (2.3): C2SP chunked encryption. Salt 24, commitment 32, then chunks of 16 KiB of which
// the last is always shorter.
import type { Bytes } from "./bytes";
import { concat, same, utf8 } from "./bytes";
import { Refused, SealFailed } from "./refused";
import type { Cipher, Suite } from "./suite";

export const CHUNK = 16_384;
export const TAG = 16;
export const SALT = 24;
export const OVERHEAD = SALT + 32;
export const SEALED_CHUNK = CHUNK + TAG;
/** 1 MiB: as many calls are under way at once as a block has chunks. */
const BLOCK_CHUNKS = 64;
const BLOCK = BLOCK_CHUNKS * CHUNK;
const SEALED_BLOCK = BLOCK_CHUNKS * SEALED_CHUNK;
const NONCE = 12;

/** Gives the next bytes of a file, at most so many; an empty answer is its end. */
export type Source = (most: number) => Promise<Bytes>;

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

/** The chunk counter under one payload's key: the nonce is XORed as in TLS 1.3. */
class Nonces {
  private counter = 0;

  constructor(private readonly base: Bytes) {}

  next(): Bytes {
    const nonce = this.base.slice();
    let rest = this.counter;
    for (let at = NONCE - 1; rest > 0; at -= 1) {
      nonce[at] = (nonce[at] as number) ^ (rest & 0xff);
      rest = Math.floor(rest / 256);
    }
    this.counter += 1;
    return nonce;
  }

  get last(): number {
    return this.counter - 1;
  }
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

/**
 * The payload of exactly `length` bytes of a source, block after block into `sink`, whose blocks are
 * used again as soon as it has returned. Refuses a source that is shorter or longer: it changed.
 */
export async function encrypt(source: Source, length: number, suite: Suite, keys: PayloadKeys, salt: Bytes, sink: (block: Bytes) => Promise<void>): Promise<void> {
  await sink(concat(salt, keys.commitment));
  const cipher = await suite.cipher(keys.key);
  const nonces = new Nonces(keys.baseNonce);
  const input = new Filling(source);
  const plain = [new Uint8Array(BLOCK), new Uint8Array(BLOCK)];
  const sealed = [new Uint8Array(SEALED_BLOCK), new Uint8Array(SEALED_BLOCK)];
  const changed = (got: string): Refused => new Refused("E_LENGTH_FORMULA", `expected ${length} bytes to seal, got ${got}; the file changed`);
  let remaining = length;
  const load = async (buffer: Bytes): Promise<Bytes> => {
    const block = buffer.subarray(0, Math.min(BLOCK, remaining));
    if ((await input.fill(block)) !== block.length) throw changed("fewer");
    remaining -= block.length;
    return block;
  };
  // Three things go on at once: a block is read, the one before it is sealed, and the one before that is
  // written and hashed.
  let block = await load(plain[0] as Bytes);
  let running = sealBlock(cipher, nonces, block, sealed[0] as Bytes, block.length < BLOCK);
  for (let turn = 1; ; turn += 1) {
    const next = block.length < BLOCK ? null : load(plain[turn % 2] as Bytes);
    next?.catch(() => undefined);
    const done = (sealed[(turn + 1) % 2] as Bytes).subarray(0, await running);
    if (next === null) {
      await sink(done);
      break;
    }
    block = await next;
    running = sealBlock(cipher, nonces, block, sealed[turn % 2] as Bytes, block.length < BLOCK);
    running.catch(() => undefined);
    await sink(done);
  }
  if (!(await input.isAtEnd())) throw changed("more");
}

async function sealBlock(cipher: Cipher, nonces: Nonces, plain: Bytes, sealed: Bytes, isLast: boolean): Promise<number> {
  const chunks = Math.floor(plain.length / CHUNK) + (isLast ? 1 : 0);
  const running: Promise<void>[] = [];
  for (let at = 0; at < chunks; at += 1) {
    const chunk = plain.subarray(at * CHUNK, (at + 1) * CHUNK);
    running.push(cipher.seal(nonces.next(), chunk).then((made) => sealed.set(new Uint8Array(made), at * SEALED_CHUNK)));
  }
  await Promise.all(running);
  return plain.length + chunks * TAG;
}

/**
 * The plaintext of a payload of `length` bytes, block after block into `sink`. Refuses with
 * `SealFailed`; what came before a refusal is not authentic as a whole.
 */
export async function decrypt(source: Source, length: number, suite: Suite, inputKey: Bytes, context: Bytes, sink: (block: Bytes) => Promise<void>): Promise<void> {
  let body = length - OVERHEAD;
  // A body of full chunks alone was cut: the last chunk is shorter by definition.
  if (body < TAG || body % SEALED_CHUNK < TAG) throw new SealFailed("length", "expected whole chunks and a shorter last one");
  const input = new Filling(source);
  const head = new Uint8Array(OVERHEAD);
  if ((await input.fill(head)) !== OVERHEAD) throw new SealFailed("length", "expected salt and commitment, got fewer bytes");
  // The commitment is checked before the first chunk: a wrong key yields nothing at all.
  const keys = payloadKeys(suite, inputKey, head.slice(0, SALT), context);
  if (!same(keys.commitment, head.subarray(SALT))) throw new SealFailed("commitment", "the keys are not those of this sealed content");
  const cipher = await suite.cipher(keys.key);
  const nonces = new Nonces(keys.baseNonce);
  const sealed = new Uint8Array(SEALED_BLOCK);
  const plain = new Uint8Array(BLOCK);
  while (body > 0) {
    const block = sealed.subarray(0, Math.min(SEALED_BLOCK, body));
    if ((await input.fill(block)) !== block.length) throw new SealFailed("length", "expected more bytes, the sealed content is cut off");
    body -= block.length;
    await sink(plain.subarray(0, await openBlock(cipher, nonces, block, plain)));
  }
  if (!(await input.isAtEnd())) throw new SealFailed("length", "expected the end, the sealed content goes on");
}

async function openBlock(cipher: Cipher, nonces: Nonces, sealed: Bytes, plain: Bytes): Promise<number> {
  const running: Promise<void>[] = [];
  for (let at = 0; at * SEALED_CHUNK < sealed.length; at += 1) {
    const chunk = sealed.subarray(at * SEALED_CHUNK, (at + 1) * SEALED_CHUNK);
    running.push(cipher.open(nonces.next(), chunk).then((made) => plain.set(new Uint8Array(made), at * CHUNK)));
  }
  try {
    await Promise.all(running);
  } catch {
    throw new SealFailed("chunk", `a chunk up to number ${nonces.last} does not open; it was changed`);
  }
  return sealed.length - running.length * TAG;
}
