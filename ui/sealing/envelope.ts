// The envelope file TBE1 (2.1, 3.5, 3.6): header and wraps in the clear, then the payload.
import type { Bytes } from "./bytes";
import { bigEndian, concat, hex, same, toNumber, unhex, utf8 } from "./bytes";
import { canonical, parse } from "./canonical";
import * as fields from "./fields";
import { sha256 } from "./hashing";
import type { LotKeys } from "./opening-keys";
import { cipherLength } from "./payload";
import { Refused, badWraps } from "./refused";
import type { Suite } from "./suite";
import { suiteOf } from "./suite";
import type { Wraps } from "./wraps";
import { Binding, LARGEST_WRAPS, checkWrapsFit, readWraps } from "./wraps";

export const MAGIC = unhex("89544245310d0a1a");
const LARGEST_HEADER = 65_536;
export const LARGEST_PLAIN = 2 ** 33;
export const LARGEST_HEAD = MAGIC.length + 8 + LARGEST_HEADER + LARGEST_WRAPS;
export const CONTENT_TYPE = "application/vnd.sunbid.package+zip";
export const CLIENT = "web/1.0.0";

const readHeaderShape = fields.object({
  v: fields.oneOf(1),
  suite: fields.suiteName,
  policy: fields.policyName,
  tender: fields.uuid,
  lot: fields.uuid,
  round: fields.round,
  volume: fields.volume,
  envelope: fields.uuid,
  bidder_tag: fields.hash,
  opening_keys: fields.hash,
  content_type: fields.oneOf(CONTENT_TYPE),
  plain_len: fields.integer(0),
  cipher_len: fields.integer(0),
  client: fields.pattern(/^(?:cli|web)\/[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$/),
});

export type Header = fields.Read<typeof readHeaderShape>;

/** Header and wraps of an envelope, checked for themselves, and the size of the file. */
export class Head {
  readonly suite: Suite;
  readonly headerHash: Bytes;
  readonly wrapsHash: Bytes;

  constructor(
    readonly header: Header,
    readonly headerBytes: Bytes,
    readonly wraps: Wraps,
    readonly wrapsBytes: Bytes,
    readonly size: number,
  ) {
    this.suite = suiteOf(header.suite);
    this.headerHash = this.suite.hash(headerBytes);
    this.wrapsHash = this.suite.hash(wrapsBytes);
  }

  get binding(): Binding {
    return new Binding(this.suite, this.headerHash, unhex(this.header.opening_keys));
  }

  get payloadOffset(): number {
    return MAGIC.length + 8 + this.headerBytes.length + this.wrapsBytes.length;
  }

  /** What the payload is bound to: a file binds its own wraps. */
  get payloadContext(): Bytes {
    return concat(this.headerHash, this.wrapsHash);
  }

  fitsHalf(half: "T" | "B", value: Bytes): boolean {
    return this.binding.fits(half, 0, value, half === "T" ? this.wraps.ht : this.wraps.hb);
  }
}

/** The tag by which a manifest shows that an envelope is its own (2.2). */
export const bidderTag = (salt: Bytes, uscc: string): string => hex(sha256(concat(utf8("tbe1/bidder/v1\0"), salt, utf8(uscc))));

/** The header of a new envelope of a lot; refuses an empty and a too large package. */
export function newHeader(keys: LotKeys, volume: string, plainLength: number, tag: string): Header {
  checkPlainLength(plainLength);
  const { suite, policy, tender, lot, round } = keys.body;
  return {
    v: 1, suite, policy, tender, lot, round, volume,
    envelope: crypto.randomUUID(),
    bidder_tag: tag,
    opening_keys: keys.sid,
    content_type: CONTENT_TYPE,
    plain_len: plainLength,
    cipher_len: cipherLength(plainLength),
    client: CLIENT,
  };
}

function checkPlainLength(length: number): void {
  if (length === 0) throw new Refused("E_EMPTY", "expected a package of at least one byte, got an empty one");
  if (length > LARGEST_PLAIN) throw new Refused("E_TOO_LARGE", `expected at most ${LARGEST_PLAIN} bytes, got ${length}; split it`);
}

export const headerBytes = (header: Header): Bytes => canonical(header);

/** Everything of a file that comes before its payload. */
export const headBytes = (header: Bytes, wraps: Bytes): Bytes => concat(MAGIC, bigEndian(header.length, 4), header, bigEndian(wraps.length, 4), wraps);

/** Reads header and wraps from the beginning of a file of `size` bytes (its part 0). */
export function readHead(prefix: Bytes, size: number): Head {
  if (!same(prefix.subarray(0, MAGIC.length), MAGIC)) throw new Refused("E_MAGIC", "expected a sealed file (.tbe), got another file; seal it first");
  const headerRaw = takeBlock(prefix, MAGIC.length, LARGEST_HEADER, "E_HEADER_SIZE");
  const wrapsAt = MAGIC.length + 4 + headerRaw.length;
  const wrapsRaw = takeBlock(prefix, wrapsAt, LARGEST_WRAPS, "E_WRAPS_SIZE");
  const header = readHeader(headerRaw);
  const suite = suiteOf(header.suite);
  // Before the wraps are parsed: a file of another length is damaged, whatever they say.
  const wanted = wrapsAt + 4 + wrapsRaw.length + header.cipher_len;
  if (size !== wanted) throw new Refused(size < wanted ? "E_TRUNCATED" : "E_TRAILING", `expected a file of ${wanted} bytes, got ${size}; send it again`);
  const wraps = readWraps(wrapsRaw, suite);
  if ((wraps.r === null) !== (header.policy === "dual-strict")) throw badWraps("expected a remedy group exactly under the policy dual+remedy");
  return new Head(header, headerRaw, wraps, wrapsRaw, size);
}

/** A head from header and wraps that came without their file. */
export function joinHead(header: Bytes, wraps: Bytes): Head {
  const prefix = headBytes(header, wraps);
  return readHead(prefix, prefix.length + readHeader(header).cipher_len);
}

export function readHeader(raw: Bytes): Header {
  const header = readHeaderShape(parse(raw, LARGEST_HEADER), "header");
  checkPlainLength(header.plain_len);
  if (header.cipher_len !== cipherLength(header.plain_len)) {
    throw new Refused("E_LENGTH_FORMULA", `expected cipher_len ${cipherLength(header.plain_len)} for plain_len ${header.plain_len}, got ${header.cipher_len}; seal the package again`);
  }
  return header;
}

function takeBlock(prefix: Bytes, at: number, largest: number, code: string): Bytes {
  if (prefix.length < at + 4) throw new Refused("E_TRUNCATED", "expected a length, got the end of the file; send it again");
  const length = toNumber(prefix.subarray(at, at + 4));
  if (length < 2 || length > largest) throw new Refused(code, `expected a length of 2 to ${largest}, got ${length}`);
  if (prefix.length < at + 4 + length) throw new Refused("E_TRUNCATED", `expected ${length} bytes, got the end of the file; send it again`);
  return prefix.slice(at + 4, at + 4 + length);
}

/** Refuses an envelope that was sealed for another lot, suite, policy or opening keys. */
export function checkForLot(head: Head, keys: LotKeys): void {
  const { header } = head;
  const { body } = keys;
  const pairs: [string, unknown, unknown][] = [
    ["E_TENDER", header.tender, body.tender],
    ["E_LOT", header.lot, body.lot],
    ["E_ROUND", header.round, body.round],
    ["E_SUITE", header.suite, body.suite],
    ["E_POLICY", header.policy, body.policy],
    ["E_OPENING_KEYS", header.opening_keys, keys.sid],
  ];
  for (const [code, got, wanted] of pairs) {
    if (got !== wanted) throw new Refused(code, `expected ${String(wanted)}, got ${String(got)}; seal again for this lot`);
  }
  checkWrapsFit(head.wraps, keys);
}

