// INTL-1: own HPKE (RFC 9180, DHKEM(P-256, HKDF-SHA256), AES-256-GCM, base mode, one shot), since a
// re-deal needs a given ephemeral key; the payload is AES-256-GCM with HKDF-SHA-512.
import { p256 } from "@noble/curves/nist.js";
import type { Bytes } from "./bytes";
import { bigEndian, concat, toBigInt, utf8 } from "./bytes";
import { aesGcm } from "./ciphers";
import { HKDF_SHA256, HKDF_SHA512, sha256 } from "./hashing";
import { SealFailed, badWraps } from "./refused";
import type { OwnKey, Suite } from "./suite";

const ORDER = p256.Point.Fn.ORDER;
const POINT = 65;
const TAG = 16;
const VERSION = utf8("HPKE-v1");
const KEM = concat(utf8("KEM"), bigEndian(0x0010, 2));
const HPKE = concat(utf8("HPKE"), bigEndian(0x0010, 2), bigEndian(0x0001, 2), bigEndian(0x0002, 2));
const NOTHING = new Uint8Array();

const extract = (suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Bytes =>
  HKDF_SHA256.extract(salt, concat(VERSION, suite, utf8(label), ikm));

// RFC 9180 4: the length stands first, so that no output is a prefix of another.
const expand = (suite: Bytes, prk: Bytes, label: string, info: Bytes, length: number): Bytes =>
  HKDF_SHA256.expand(prk, concat(bigEndian(length, 2), VERSION, suite, utf8(label), info), length);

function checkPoint(raw: Uint8Array): void {
  try {
    if (raw.length === POINT && raw[0] === 4) {
      p256.Point.fromBytes(raw).assertValidity();
      return;
    }
  } catch {
    // Said below, for every form of it.
  }
  throw badWraps("expected a point on P-256 (65 bytes, uncompressed), got other bytes");
}

/** RFC 9180 DeriveKeyPair for P-256: the private scalar, 32 bytes. */
export function deriveScalar(ikm: Bytes): Bytes {
  const prk = extract(KEM, NOTHING, "dkp_prk", ikm);
  for (let counter = 0; counter < 256; counter += 1) {
    const candidate = expand(KEM, prk, "candidate", new Uint8Array([counter]), 32);
    const scalar = toBigInt(candidate);
    if (scalar > 0n && scalar < ORDER) return candidate;
  }
  throw new Error("unreachable: 256 candidates above the order");
}

const pointOf = (scalar: Bytes): Bytes => new Uint8Array(p256.getPublicKey(scalar, false));
/** x of a scalar times a point. */
export const exchange = (scalar: Bytes, point: Bytes): Bytes => new Uint8Array(p256.getSharedSecret(scalar, point, false)).slice(1, 33);

function keyFrom(seed: Bytes): OwnKey {
  const scalar = deriveScalar(seed);
  return { public: pointOf(scalar), exchange: (point) => Promise.resolve(exchange(scalar, point)) };
}

// RFC 9180 4.1 ExtractAndExpand; both points enter, so that enc cannot be swapped.
const sharedSecret = (dh: Bytes, enc: Bytes, point: Bytes): Bytes =>
  expand(KEM, extract(KEM, NOTHING, "eae_prk", dh), "shared_secret", concat(enc, point), 32);

/** Key and base nonce of base mode; one shot, so the nonce of message 0 is the base nonce. */
function keySchedule(shared: Bytes, info: Bytes): { key: Bytes; nonce: Bytes } {
  const context = concat(new Uint8Array([0]), extract(HPKE, NOTHING, "psk_id_hash", NOTHING), extract(HPKE, NOTHING, "info_hash", info));
  const secret = extract(HPKE, shared, "secret", NOTHING);
  return { key: expand(HPKE, secret, "key", context, 32), nonce: expand(HPKE, secret, "base_nonce", context, 12) };
}

async function seal(point: Bytes, info: Bytes, value: Bytes, seed: Bytes): Promise<Bytes> {
  checkPoint(point);
  const ephemeral = deriveScalar(seed);
  const enc = pointOf(ephemeral);
  const { key, nonce } = keySchedule(sharedSecret(exchange(ephemeral, point), enc, point), info);
  return concat(enc, new Uint8Array(await (await aesGcm(key)).seal(nonce, value)));
}

async function open(own: OwnKey, info: Bytes, wrapped: Bytes): Promise<Bytes> {
  const enc = wrapped.slice(0, POINT);
  const ciphertext = wrapped.slice(POINT);
  const wrong = new SealFailed("unwrap", "expected a wrap for this key and this envelope, got another");
  if (ciphertext.length < TAG) throw wrong;
  try {
    checkPoint(enc);
    const { key, nonce } = keySchedule(sharedSecret(await own.exchange(enc), enc, own.public), info);
    return new Uint8Array(await (await aesGcm(key)).open(nonce, ciphertext));
  } catch {
    throw wrong;
  }
}

/** The one HKDF call of a recovery code: salt names the lot, 32 bytes go into DeriveKeyPair. */
const recoverySeed = (secret: Bytes, lot: string): Bytes =>
  HKDF_SHA256.expand(HKDF_SHA256.extract(utf8(`tbe1/rec/v1\0${lot}`), secret), NOTHING, 32);

export const INTL_1: Suite = {
  name: "INTL-1",
  wrapLength: 113,
  inputKeyLength: 32,
  ephemeralLength: 32,
  hash: sha256,
  kdf: HKDF_SHA256,
  payloadKdf: HKDF_SHA512,
  payloadLabel: "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0",
  checkPoint,
  keyFrom,
  recoverySeed,
  seal,
  open,
};
