// Signed statements (3.2, 3.3): a typed body, its identity, and its signatures.
import { ed25519 } from "@noble/curves/ed25519.js";
import type { Bytes } from "./bytes";
import { b64, concat, hex, unb64, utf8 } from "./bytes";
import type { Json } from "./canonical";
import { canonical, parse } from "./canonical";
import type { PublicKey, Signer } from "./certificates";
import { checkChain, checkLicence } from "./certificates";
import * as fields from "./fields";
import { sha256 } from "./hashing";
import { Refused, badField, badSignature } from "./refused";
import * as gm from "./gm";

const LARGEST = 4 * 1024 * 1024;
const LARGEST_CERTIFICATE = 16 * 1024;
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const readSignature = fields.object({
  alg: fields.oneOf("ES256", "EdDSA", "SM2SM3"),
  at: fields.orNull(fields.time),
  chain: fields.list(fields.pattern(/^[A-Za-z0-9_-]+$/), 0, 5),
  kid: fields.orNull(fields.text(16)),
  sig: fields.pattern(/^[A-Za-z0-9_-]{85}[AQgw]$/),
});

const readShape = fields.object({
  body: fields.anyObject,
  sigs: fields.list(readSignature, 0, 9),
  type: fields.pattern(/^[a-z][a-z-]{0,31}$/),
});

export interface Signature {
  alg: "ES256" | "EdDSA" | "SM2SM3";
  chain: Bytes[];
  kid: string | null;
  sig: Bytes;
}

export class Statement {
  readonly type: string;
  readonly body: Record<string, unknown>;
  readonly sigs: Signature[];
  /** What every signer signs. */
  readonly signedBytes: Bytes;
  /** The identity, lower-case hex. */
  readonly sid: string;

  /** Reads an already parsed statement; signatures are not checked here. */
  constructor(
    readonly json: unknown,
    where = "statement",
  ) {
    const shape = readShape(json, where);
    this.type = shape.type;
    this.body = shape.body;
    this.sigs = shape.sigs.map((one) => {
      if ((one.chain.length > 0) === (one.kid !== null)) throw badField("expected a certificate chain or a kid, one of the two");
      if (one.chain.some((text) => text.length > (4 * LARGEST_CERTIFICATE) / 3 + 4)) throw badField(`expected certificates of at most ${LARGEST_CERTIFICATE} bytes`);
      return { alg: one.alg, chain: one.chain.map((text) => unb64(text)), kid: one.kid, sig: unb64(one.sig, 64) };
    });
    this.signedBytes = concat(utf8(`sunbid/v1/${this.type}\n`), canonical(this.body));
    this.sid = hex(sha256(this.signedBytes));
  }

  /** Reads a statement file; refuses other spellings, unknown keys and malformed signatures. */
  static read(raw: Bytes): Statement {
    return new Statement(parse(raw, LARGEST));
  }

  /** The body as an exact schema; refuses another type, since the type decides who signs. */
  as<T>(type: string, shape: fields.Reader<T>): T {
    if (this.type !== type) throw badField(`expected a statement ${type}, got ${this.type}`);
    return shape(this.body, type);
  }

  /** Everybody who signed with a certificate; every chain and signature is checked. */
  async signers(anchors: Bytes[], at: number): Promise<Signer[]> {
    const found: Signer[] = [];
    for (const one of this.sigs) {
      if (one.chain.length === 0) continue;
      const signer = await checkLicence(one.chain, anchors, at);
      await checkSignature(one.alg, signer.key, this.signedBytes, one.sig);
      found.push(signer);
    }
    return found;
  }
}

/** Refuses a statement that nobody under these anchors signed; they stand for one role, `who`. */
export async function checkSignedUnder(statement: Statement, anchors: Bytes[], at: number, who: string): Promise<void> {
  for (const one of statement.sigs) {
    if (one.chain.length === 0) continue;
    try {
      await checkSignature(one.alg, await checkChain(one.chain, anchors, at), statement.signedBytes, one.sig);
      return;
    } catch (error) {
      // A signature under other anchors is nobody's here.
      if (!(error instanceof Refused)) throw error;
    }
  }
  throw badSignature(`expected a ${statement.type} signed by ${who}, got one without`);
}

/** The sid of a body that is about to be signed. */
export const sidOf = (type: string, body: Json | Record<string, unknown>): string =>
  hex(sha256(concat(utf8(`sunbid/v1/${type}\n`), canonical(body))));

/** Identity of a public key, by the hash of the suite whose curve it lies on (2.2): 16 characters. */
export const kidOf = (raw: Bytes): string => b64((gm.isPoint(raw) ? gm.sm3(raw) : sha256(raw)).slice(0, 12));

/** Checks one raw signature; refuses DER, r or s out of range, and a non-canonical S. */
export async function checkSignature(alg: string, key: PublicKey, message: Bytes, sig: Bytes): Promise<void> {
  if (sig.length !== 64) throw badSignature(`expected 64 bytes r‖s, got ${sig.length}; DER is not accepted`);
  if (alg !== key.kind) throw badSignature(`expected a signature ${key.kind} of this key, got ${alg}; sign with a supported key`);
  if (!(await isSignature(key, message, sig))) {
    throw badSignature("expected a signature of exactly this statement, got one of other bytes or of another key; sign the statement again");
  }
}

async function isSignature(key: PublicKey, message: Bytes, sig: Bytes): Promise<boolean> {
  try {
    if (key.kind === "SM2SM3") return gm.verify(key.raw, message, sig);
    if (key.kind === "EdDSA") {
      const s = BigInt(`0x${hex(sig.slice(32).reverse())}`);
      return s < ED25519_ORDER && ed25519.verify(sig, message, key.raw, { zip215: false });
    }
    // WebCrypto takes r‖s and itself refuses numbers out of range and points off the curve.
    const made = await crypto.subtle.importKey("raw", key.raw, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, made, sig, message);
  } catch {
    return false;
  }
}
