// Certificate chains of signers (5.1): who a signature speaks for. No revocation, no network.
import { ed25519 } from "@noble/curves/ed25519.js";
import type { Bytes } from "./bytes";
import { hex, same } from "./bytes";
import { parse, parseTime } from "./canonical";
import * as der from "./der";
import { anyObject } from "./fields";
import * as fields from "./fields";
import { Refused, badChain } from "./refused";
import * as gm from "./gm";

// 2.25 is the arc of random UUIDs (X.667); a real authority's identifiers come with its adapter.
const ARC = "2.25.174374844643167452665180021407551028040";
const LICENCE_USAGE = `${ARC}.1`;
const LICENCE_INFO = `${ARC}.2`;
const LONGEST_LIFE_MS = 2 * 366 * 86_400_000;
const LONGEST_CHAIN = 5;

const BASIC = "2.5.29.19";
const USAGE = "2.5.29.15";
const EXTENDED = "2.5.29.37";
const DIGITAL_SIGNATURE = 0;
const NON_REPUDIATION = 1;
const CERT_SIGN = 5;

const EC_KEY = "1.2.840.10045.2.1";
const ED25519 = "1.3.101.112";
const CURVES: Record<string, { name: string; length: number }> = {
  "1.2.840.10045.3.1.7": { name: "P-256", length: 32 },
  "1.3.132.0.34": { name: "P-384", length: 48 },
  "1.3.132.0.35": { name: "P-521", length: 66 },
};
const SM2_CURVE = "1.2.156.10197.1.301";
const ECDSA_HASHES: Record<string, string> = {
  "1.2.840.10045.4.3.2": "SHA-256",
  "1.2.840.10045.4.3.3": "SHA-384",
  "1.2.840.10045.4.3.4": "SHA-512",
};
const RSA_HASHES: Record<string, string> = {
  "1.2.840.113549.1.1.11": "SHA-256",
  "1.2.840.113549.1.1.12": "SHA-384",
  "1.2.840.113549.1.1.13": "SHA-512",
};
const SM2_WITH_SM3 = "1.2.156.10197.1.501";

export type KeyKind = "ES256" | "EdDSA" | "SM2SM3";

/** A key that may sign statements: 65 bytes of a point, or 32 of Ed25519. */
export interface PublicKey {
  kind: KeyKind;
  raw: Bytes;
}

interface Extension {
  critical: boolean;
  value: Bytes;
}

interface Certificate {
  whole: Bytes;
  signed: Bytes;
  issuer: Bytes;
  subject: Bytes;
  names: Map<string, string[]>;
  since: number;
  until: number;
  keyInfo: Bytes;
  algorithm: string;
  signature: Bytes;
  extensions: Map<string, Extension>;
}

/** Whom a licence speaks for, and its key. */
export interface Signer {
  uscc: string;
  name: string;
  key: PublicKey;
}

const damaged = (): Refused => badChain("expected a certificate in DER, got other bytes; send the chain");

/** Checks a chain (DER, leaf first) up to one of the anchors at a time, against the licence profile. */
export async function checkLicence(chain: Bytes[], anchors: Bytes[], at: number): Promise<Signer> {
  const leaf = await checkPath(chain, anchors, at);
  checkPurpose(leaf);
  return licenceOf(leaf);
}

/** The key of a chain's holder (DER, leaf first), under anchors that stand for one role alone. */
export async function checkChain(chain: Bytes[], anchors: Bytes[], at: number): Promise<PublicKey> {
  return keyOf(await checkPath(chain, anchors, at));
}

async function checkPath(chain: Bytes[], anchors: Bytes[], at: number): Promise<Certificate> {
  if (chain.length < 1 || chain.length > LONGEST_CHAIN) throw badChain(`expected 1 to ${LONGEST_CHAIN} certificates, got ${chain.length}`);
  const trusted = anchors.map(readCertificate);
  const path = chain.map(readCertificate);
  const last = path.at(-1) as Certificate;
  if (!trusted.some((one) => same(one.whole, last.whole))) path.push(await anchorOf(last, trusted));
  const leaf = path[0] as Certificate;
  checkLeaf(leaf);
  for (let place = 0; place + 1 < path.length; place += 1) {
    await checkIssued(path[place] as Certificate, path[place + 1] as Certificate, place);
  }
  for (const certificate of path) {
    if (!(certificate.since <= at && at <= certificate.until)) {
      throw new Refused("E_CERT_TIME", `expected a certificate valid at ${new Date(at).toISOString()}, got one valid from ${new Date(certificate.since).toISOString()} to ${new Date(certificate.until).toISOString()}; renew it`);
    }
    checkCritical(certificate);
  }
  return leaf;
}

function readCertificate(raw: Bytes): Certificate {
  const [signed, algorithm, signature] = parts(der.only(raw, 0x30), 3);
  const fieldsOf = der.children(der.expect(signed, 0x30).content);
  if (fieldsOf[0]?.tag !== 0xa0 || der.only(fieldsOf[0].content, 0x02).content[0] !== 2) throw badChain("expected an X.509 certificate of version 3");
  const [, , inner, issuer, validity, subject, keyInfo, ...rest] = fieldsOf;
  if (!same(der.expect(inner, 0x30).whole, der.expect(algorithm, 0x30).whole)) throw damaged();
  const [since, until] = parts(der.expect(validity, 0x30), 2);
  const bits = der.expect(signature, 0x03).content;
  const last = rest.at(-1);
  return {
    whole: raw,
    signed: der.expect(signed, 0x30).whole,
    issuer: der.expect(issuer, 0x30).whole,
    subject: der.expect(subject, 0x30).whole,
    names: readNames(der.expect(subject, 0x30)),
    since: der.time(since as der.Node),
    until: der.time(until as der.Node),
    keyInfo: der.expect(keyInfo, 0x30).whole,
    algorithm: der.oid(der.children(der.expect(algorithm, 0x30).content)[0]),
    signature: bits.slice(1),
    extensions: last?.tag === 0xa3 ? readExtensions(last) : new Map(),
  };
}

function parts(node: der.Node, count: number): der.Node[] {
  const found = der.children(node.content);
  if (found.length !== count) throw damaged();
  return found;
}

function readNames(name: der.Node): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const set of der.children(name.content)) {
    for (const pair of der.children(der.expect(set, 0x31).content)) {
      const [key, value] = parts(der.expect(pair, 0x30), 2);
      const id = der.oid(key);
      found.set(id, [...(found.get(id) ?? []), der.text(value as der.Node)]);
    }
  }
  return found;
}

function readExtensions(node: der.Node): Map<string, Extension> {
  const found = new Map<string, Extension>();
  for (const one of der.children(der.only(node.content, 0x30).content)) {
    const items = der.children(der.expect(one, 0x30).content);
    const id = der.oid(items[0]);
    if (found.has(id)) throw damaged();
    const critical = items.length === 3 && der.expect(items[1], 0x01).content[0] === 0xff;
    found.set(id, { critical, value: der.expect(items.at(-1), 0x04).content });
  }
  return found;
}

async function anchorOf(last: Certificate, trusted: Certificate[]): Promise<Certificate> {
  for (const anchor of trusted) {
    if (same(anchor.subject, last.issuer) && (await isSignedBy(last, anchor))) return anchor;
  }
  throw badChain("expected a chain to an authority trusted here, got another root; use its chain");
}

function basicOf(certificate: Certificate): { ca: boolean; pathLength: number | null } | null {
  const found = certificate.extensions.get(BASIC);
  if (found === undefined) return null;
  const items = der.children(der.only(found.value, 0x30).content);
  const ca = items[0]?.tag === 0x01 && items[0].content[0] === 0xff;
  const length = items.find((item) => item.tag === 0x02)?.content;
  return { ca, pathLength: length === undefined ? null : length.reduce((sum, byte) => sum * 256 + byte, 0) };
}

/** Whether a bit of the key usage is set; null where the certificate has no key usage. */
function usage(certificate: Certificate, bit: number): boolean | null {
  const found = certificate.extensions.get(USAGE);
  if (found === undefined) return null;
  const bits = der.only(found.value, 0x03).content;
  return (((bits[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}

function checkLeaf(leaf: Certificate): void {
  if (basicOf(leaf)?.ca === true) throw badChain("expected the certificate of a holder, got that of an authority");
  if (usage(leaf, DIGITAL_SIGNATURE) !== true) throw badChain("expected key usage digitalSignature, got another; use a signing certificate");
}

function checkPurpose(leaf: Certificate): void {
  const extended = leaf.extensions.get(EXTENDED);
  const purposes = extended === undefined ? [] : der.children(der.only(extended.value, 0x30).content).map(der.oid);
  if (!purposes.includes(LICENCE_USAGE)) throw badChain(`expected extended key usage ${LICENCE_USAGE}, which this certificate does not carry`);
}

async function checkIssued(child: Certificate, parent: Certificate, below: number): Promise<void> {
  const basic = basicOf(parent);
  if (basic?.ca !== true || usage(parent, CERT_SIGN) === false) throw badChain("expected an authority's certificate above the leaf, got one that is none");
  if (basic.pathLength !== null && below > basic.pathLength) throw badChain(`expected at most ${basic.pathLength} authorities below this one`);
  if (!same(child.issuer, parent.subject) || !(await isSignedBy(child, parent))) {
    throw badChain("expected each certificate to be signed by the next, got a broken chain");
  }
}

function checkCritical(certificate: Certificate): void {
  for (const [id, extension] of certificate.extensions) {
    if (extension.critical && ![BASIC, USAGE, EXTENDED].includes(id)) throw badChain(`expected no critical extension ${id}`);
  }
}

interface KeyInfo {
  algorithm: string;
  parameter: string | null;
  bits: Bytes;
}

function keyInfoOf(certificate: Certificate): KeyInfo {
  const [algorithm, bits] = parts(der.only(certificate.keyInfo, 0x30), 2);
  const [id, parameter] = der.children(der.expect(algorithm, 0x30).content);
  return {
    algorithm: der.oid(id),
    parameter: parameter?.tag === 0x06 ? der.oid(parameter) : null,
    bits: der.expect(bits, 0x03).content.slice(1),
  };
}

/** The key of a certificate that may sign statements; refuses other kinds. */
function keyOf(certificate: Certificate): PublicKey {
  const { algorithm, parameter, bits } = keyInfoOf(certificate);
  if (algorithm === ED25519 && bits.length === 32) return { kind: "EdDSA", raw: bits };
  if (algorithm === EC_KEY && bits.length === 65 && bits[0] === 4) {
    if (parameter === SM2_CURVE) return { kind: "SM2SM3", raw: bits };
    if (parameter !== null && CURVES[parameter]?.name === "P-256") return { kind: "ES256", raw: bits };
  }
  throw badChain("expected a P-256, Ed25519 or SM2 key in the certificate, got another kind");
}

async function isSignedBy(child: Certificate, parent: Certificate): Promise<boolean> {
  try {
    const info = keyInfoOf(parent);
    if (child.algorithm === ED25519 && info.algorithm === ED25519) {
      return ed25519.verify(child.signature, child.signed, info.bits, { zip215: false });
    }
    if (child.algorithm === SM2_WITH_SM3 && info.parameter === SM2_CURVE) {
      return gm.verify(info.bits, child.signed, der.rawSignature(child.signature, 32));
    }
    return await isSignedByWebKey(child, parent, info);
  } catch {
    return false;
  }
}

async function isSignedByWebKey(child: Certificate, parent: Certificate, info: KeyInfo): Promise<boolean> {
  const ecdsaHash = ECDSA_HASHES[child.algorithm];
  const curve = info.algorithm === EC_KEY && info.parameter !== null ? CURVES[info.parameter] : undefined;
  if (ecdsaHash !== undefined && curve !== undefined) {
    const key = await crypto.subtle.importKey("spki", parent.keyInfo, { name: "ECDSA", namedCurve: curve.name }, false, ["verify"]);
    const raw = der.rawSignature(child.signature, curve.length);
    return crypto.subtle.verify({ name: "ECDSA", hash: ecdsaHash }, key, raw, child.signed);
  }
  const rsaHash = RSA_HASHES[child.algorithm];
  if (rsaHash === undefined) return false;
  const key = await crypto.subtle.importKey("spki", parent.keyInfo, { name: "RSASSA-PKCS1-v1_5", hash: rsaHash }, false, ["verify"]);
  return crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, child.signature, child.signed);
}

// ---- the profile of a licence

const readInfo = fields.object({
  v: fields.oneOf(1),
  uscc: fields.uscc,
  name: fields.text(200),
  type: fields.text(120),
  person_tag: fields.orNull(fields.text(120)),
  licence_no: fields.text(120),
  valid_to: fields.time,
});

function licenceOf(leaf: Certificate): Signer {
  const extension = leaf.extensions.get(LICENCE_INFO);
  if (extension === undefined) throw badChain("expected the extension licenceInfo; this is no licence");
  let info: fields.Read<typeof readInfo>;
  try {
    info = readInfo(anyObject(parse(extension.value, 4096), "licenceInfo"), "licenceInfo");
    parseTime(info.valid_to);
  } catch (error) {
    throw error instanceof Refused ? badChain(`the licence's licenceInfo does not read: ${error.message}`) : error;
  }
  checkUscc(info.uscc);
  const wanted: Record<string, string> = { "2.5.4.6": "CN", "2.5.4.10": info.name, "2.5.4.3": info.name, "2.5.4.5": info.uscc, "2.5.4.97": `NTRCN-${info.uscc}` };
  for (const [id, value] of Object.entries(wanted)) {
    const found = leaf.names.get(id) ?? [];
    if (found.length !== 1 || found[0] !== value) throw badChain(`expected ${id} = ${value} in the licence's subject, as its licenceInfo says; the licence must be issued again`);
  }
  if (usage(leaf, NON_REPUDIATION) !== true) throw badChain("expected key usage digitalSignature and nonRepudiation; use the licence");
  if (leaf.until - leaf.since > LONGEST_LIFE_MS) throw badChain("expected a licence of at most 24 months");
  return { uscc: info.uscc, name: info.name, key: keyOf(leaf) };
}

const USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** Refuses a unified social credit code whose check character does not fit (GB 32100-2015). */
export function checkUscc(code: string): void {
  const digits = [...code].map((char) => USCC_ALPHABET.indexOf(char));
  let weight = 1;
  let sum = 0;
  for (const digit of digits.slice(0, 17)) {
    sum += digit * weight;
    weight = (weight * 3) % 31;
  }
  if (digits.length !== 18 || digits.includes(-1) || (31 - (sum % 31)) % 31 !== digits[17]) {
    throw new Refused("E_USCC", `expected a unified social credit code of 18 characters, got ${JSON.stringify(code.slice(0, 40))}; compare each character`);
  }
}

/** For messages: the beginning of a key's bytes. */
export const shortKey = (key: PublicKey): string => hex(key.raw).slice(0, 16);
