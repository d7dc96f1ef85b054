// The suites: every length and algorithm of a sealed file comes from this table (2.5).
import type { Bytes } from "./bytes";
import { concat, same, utf8 } from "./bytes";
import type { SuiteName } from "./ciphers";
import { GM_1 } from "./suite-gm";
import { INTL_1 } from "./suite-intl";
import { Refused } from "./refused";
import type { Kdf } from "./hashing";

export const SECRET = 32;

/** What the holder of a private key does with the point of a wrap: x (INTL-1), x‖y (GM-1). */
export type Exchange = (point: Bytes) => Promise<Bytes>;

/** A key of the bidder: its point, and what it can do; where the private half lies is its business. */
export interface OwnKey {
  public: Bytes;
  exchange: Exchange;
}

export interface Suite {
  name: SuiteName;
  wrapLength: number;
  inputKeyLength: number;
  /** Bytes from which the ephemeral key of a wrap is made. */
  ephemeralLength: number;
  hash(data: Uint8Array): Bytes;
  kdf: Kdf;
  payloadKdf: Kdf;
  payloadLabel: string;
  /** Refuses bytes that are not an uncompressed point on the suite's curve. */
  checkPoint(raw: Uint8Array): void;
  /** The key that follows from secret bytes of `ephemeralLength`. */
  keyFrom(seed: Bytes): OwnKey;
  /** The seed of a recovery code's key (2.7). */
  recoverySeed(secret: Bytes, lot: string): Bytes;
  seal(point: Bytes, info: Bytes, value: Bytes, seed: Bytes): Promise<Bytes>;
  /** Refuses with `SealFailed` (unwrap) whatever was not sealed for this key and this info. */
  open(own: OwnKey, info: Bytes, wrapped: Bytes): Promise<Bytes>;
}

const SUITES: Record<string, Suite> = { "INTL-1": INTL_1, "GM-1": GM_1 };

export function suiteOf(name: string): Suite {
  const found = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (found === undefined) throw new Refused("E_SUITE", `expected a suite of ${Object.keys(SUITES).join(", ")}, got ${JSON.stringify(name.slice(0, 20))}`);
  return found;
}

/** HKDF with the suite's hash. */
export const derive = (suite: Suite, salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, length: number): Bytes =>
  suite.kdf.expand(suite.kdf.extract(salt, ikm), info, length);

/** The commitment `cmt(tag, i, value)` of an envelope (2.6). */
export const commit = (suite: Suite, tag: string, headerHash: Uint8Array, i: number, value: Uint8Array): Bytes =>
  suite.hash(concat(utf8(`tbe1/${tag}/v1\0`), headerHash, new Uint8Array([i]), value));

export const fits = (suite: Suite, tag: string, headerHash: Uint8Array, i: number, value: Uint8Array, commitment: Uint8Array): boolean =>
  same(commit(suite, tag, headerHash, i, value), commitment);
