// GM-1: SM2 wraps with a deterministic k, SM3, SM4-GCM.
import type { Bytes } from "./bytes";
import { concat, same, utf8 } from "./bytes";
import * as gm from "./gm";
import { SealFailed, badWraps } from "./refused";
import type { OwnKey, Suite } from "./suite";

const POINT = 65;
const WRAP = 161;
const VALUE = 32;

function checkPoint(raw: Uint8Array): void {
  if (!gm.isPoint(raw)) throw badWraps("expected a point on the SM2 curve (65 bytes, uncompressed), got other bytes");
}

function keyFrom(seed: Bytes): OwnKey {
  const scalar = gm.scalarFrom(seed);
  return { public: gm.publicOf(scalar), exchange: (point) => Promise.resolve(gm.exchange(scalar, point)) };
}

function seal(point: Bytes, info: Bytes, value: Bytes, seed: Bytes): Promise<Bytes> {
  checkPoint(point);
  const made = gm.encrypt(point, concat(value, gm.sm3(info)), gm.scalarFrom(seed));
  // As good as impossible; the seal call then begins again with fresh secrets.
  if (made === null) throw new SealFailed("key", "the key stream of a wrap is zero; seal again");
  return Promise.resolve(made);
}

async function open(own: OwnKey, info: Bytes, wrapped: Bytes): Promise<Bytes> {
  const wrong = new SealFailed("unwrap", "expected a wrap for this key and this envelope, got another");
  const first = wrapped.slice(0, POINT);
  if (wrapped.length !== WRAP || !gm.isPoint(first)) throw wrong;
  const message = gm.decrypt(await own.exchange(first), wrapped);
  if (message === null || !same(message.slice(VALUE), gm.sm3(info))) throw wrong;
  return message.slice(0, VALUE);
}

function recoverySeed(secret: Bytes, lot: string): Bytes {
  const prk = gm.HKDF_SM3.extract(utf8(`tbe1/rec/v1\0${lot}`), secret);
  const seed = gm.HKDF_SM3.expand(prk, new Uint8Array(), VALUE);
  return gm.HKDF_SM3.expand(seed, utf8("tbe1/rec/v1\0"), 40);
}

export const GM_1: Suite = {
  name: "GM-1",
  wrapLength: WRAP,
  inputKeyLength: 16,
  ephemeralLength: 40,
  hash: gm.sm3,
  kdf: gm.HKDF_SM3,
  payloadKdf: gm.HKDF_SM3,
  payloadLabel: "c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0",
  checkPoint,
  keyFrom,
  recoverySeed,
  seal,
  open,
};
