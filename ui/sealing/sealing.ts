// Sealing one package into one envelope, and showing from the stored bytes that it opens (8.1(5, 6)).
import type { Bulk } from "./bulk";
import type { Bytes } from "./bytes";
import { b64, random, unb64 } from "./bytes";
import type { Head, Header } from "./envelope";
import { LARGEST_HEAD, bidderTag, checkForLot, headBytes, headerBytes, newHeader, readHead } from "./envelope";
import { hex } from "./bytes";
import type { LotKeys } from "./opening-keys";
import { PartHasher } from "./parts";
import type { Sink, Source } from "./payload";
import { SALT, decrypt, encrypt, payloadKeys } from "./payload";
import type { SealedVolume } from "./protocol";
import { Refused, SealFailed } from "./refused";
import type { Halves } from "./shares";
import { inputKey } from "./shares";
import type { OwnKey } from "./suite";
import { SECRET, suiteOf } from "./suite";
import { Binding, compareDeal, makeWraps, unwrapB, wrapsBytes } from "./wraps";

/** The random values of one envelope. */
export interface Secrets {
  halves: Halves;
  salt: Bytes;
}

/** An envelope that was made: what the manifest says of it, its parts, and T for the record. */
export interface Sealed {
  listed: SealedVolume;
  parts: string[];
  t: string;
}

/** A stored file that can be read at any place; what it gives may be overwritten by the next read. */
export interface Stored {
  size: number;
  read(at: number, most: number): Promise<Bytes>;
}

/**
 * Seals a package. T, B and the salts are made inside this call and nothing that could encrypt again
 * leaves it; a sealing that is broken off has to begin again, with new ones.
 */
export async function sealPackage(source: Source, length: number, keys: LotKeys, volume: string, uscc: string, points: Bytes[], sink: Sink, bulk: Bulk): Promise<Sealed> {
  const bidderSalt = random(32);
  const header = newHeader(keys, volume, length, bidderTag(bidderSalt, uscc));
  const fresh: Secrets = { halves: { t: random(SECRET), b: random(SECRET) }, salt: random(SALT) };
  const made = await writeEnvelope(source, header, fresh, keys, points, sink, bulk);
  fresh.halves.b.fill(0);
  return {
    listed: {
      volume,
      tree: made.tree,
      size: made.head.size,
      header_hash: hex(made.head.headerHash),
      wraps_hash: hex(made.head.wrapsHash),
      plain_len: length,
      bidder_salt: b64(bidderSalt),
    },
    parts: made.parts,
    t: b64(fresh.halves.t),
  };
}

/**
 * Writes the one envelope that follows from these values. To call it twice with the same secrets gives
 * away the XOR of two packages: only `sealPackage` and the tests with known answers call it.
 */
export async function writeEnvelope(source: Source, header: Header, fresh: Secrets, keys: LotKeys, points: Bytes[], sink: Sink, bulk: Bulk): Promise<{ head: Head; parts: string[]; tree: string }> {
  const suite = suiteOf(header.suite);
  const raw = headerBytes(header);
  const binding = new Binding(suite, suite.hash(raw), keys.sidBytes);
  const first = headBytes(raw, wrapsBytes(await makeWraps(binding, fresh.halves, keys, points)));
  // Our own reader is the first to judge what we are about to write.
  const head = readHead(first, first.length + header.cipher_len);
  const payload = payloadKeys(suite, inputKey(suite, fresh.halves, head.headerHash), fresh.salt, head.payloadContext);
  const hasher = new PartHasher(bulk);
  const write = async (block: Bytes): Promise<void> => {
    await Promise.all([hasher.update(block), sink(block)]);
  };
  await write(first);
  await encrypt(source, header.plain_len, suite, payload, fresh.salt, write, bulk);
  return { head, ...(await hasher.finish()) };
}

/** What the sealing record keeps of a volume; T alone opens nothing. */
export interface Recorded {
  tree: string;
  t: string;
  bidder_salt: string;
}

/** Header and wraps of a stored file. */
export const readStoredHead = async (file: Stored): Promise<Head> => readHead(await file.read(0, LARGEST_HEAD), file.size);

/**
 * Opens a stored file with the record and each of the bidder's own keys, and throws the content away.
 * Refuses a file that changed, one for another lot or bidder, wraps that an honest deal would not
 * give, and a key that does not open it.
 */
export async function rehearse(file: Stored, recorded: Recorded, keys: LotKeys, own: OwnKey[], uscc: string | null, progress: (done: number) => void, bulk: Bulk): Promise<void> {
  const head = await readStoredHead(file);
  checkForLot(head, keys);
  if (uscc !== null && head.header.bidder_tag !== bidderTag(unb64(recorded.bidder_salt, 32), uscc)) {
    throw new Refused("E_MANIFEST_MISMATCH", `expected a file sealed for ${uscc}, got another bidder's`);
  }
  const halves = await halvesOf(head, recorded, own);
  const wrong = await compareDeal(head.binding, halves, keys, head.wraps);
  if (wrong.length > 0) throw new SealFailed("key", `expected honest wraps, got ${wrong.length} wrong; seal again`);
  const hasher = new PartHasher(bulk);
  let at = 0;
  // One pass: what is decrypted is what is hashed.
  const next: Source = async (most) => {
    const block = await file.read(at, Math.max(most, 1));
    at += block.length;
    await hasher.update(block);
    return block;
  };
  for (let left = head.payloadOffset; left > 0; ) left -= (await next(left)).length;
  const ikey = inputKey(head.suite, halves, head.headerHash);
  await decrypt(next, head.header.cipher_len, head.suite, ikey, head.payloadContext, () => {
    progress(at);
    return Promise.resolve();
  }, bulk);
  if ((await hasher.finish()).tree !== recorded.tree) {
    throw new Refused("E_TREE", "expected the file as it was sealed, got a changed one; take it from your copy or seal again");
  }
}

async function halvesOf(head: Head, recorded: Recorded, own: OwnKey[]): Promise<Halves> {
  const t = unb64(recorded.t, 32);
  if (!head.fitsHalf("T", t)) throw new SealFailed("key", "expected the sealing record of this envelope, got another");
  let b: Bytes | null = null;
  // Each value fits the commitment, hence all are one.
  for (const key of own) b = await unwrapB(head.binding, head.wraps, key);
  if (b === null) throw new SealFailed("key", "expected at least one own key");
  return { t, b };
}
