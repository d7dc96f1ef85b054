// As much of X.509 as the platform's own certificates need: P-256 or SM2, a chain to a known anchor.
import * as gm from "../sealing/gm";
import type { Raw } from "./statement";
import { hex, same } from "./statement";

export interface Certificate {
  whole: Raw;
  signed: Raw;
  issuer: Raw;
  subject: Raw;
  since: number;
  until: number;
  point: Raw;
  isSm2: boolean;
  signature: Raw;
}

interface Node {
  tag: number;
  whole: Raw;
  content: Raw;
}

const SEQUENCE = 0x30;
const VERSION = 0xa0;
const POINT = 65;
// 1.2.156.10197.1.301 as a key's parameters name it.
const SM2_CURVE = "06082a811ccf5501822d";

function read(raw: Raw): Node[] {
  const found: Node[] = [];
  for (let at = 0; at < raw.length; ) {
    const start = at;
    const tag = raw[at] as number;
    let length = raw[at + 1] as number;
    at += 2;
    if (length >= 0x80) {
      const bytes = length - 0x80;
      if (bytes > 3) throw new Error("certificate");
      length = 0;
      for (let i = 0; i < bytes; i += 1) length = length * 256 + (raw[at + i] as number);
      at += bytes;
    }
    if (at + length > raw.length) throw new Error("certificate");
    found.push({ tag, whole: raw.slice(start, at + length), content: raw.slice(at, at + length) });
    at += length;
  }
  return found;
}

const at = (nodes: Node[], place: number): Node => {
  const found = nodes[place];
  if (found === undefined) throw new Error("certificate");
  return found;
};

function timeOf(node: Node): number {
  const text = new TextDecoder().decode(node.content);
  const full = text.length === 13 ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text;
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/** Reads a certificate; nothing of it is verified. */
export function readCertificate(whole: Raw): Certificate {
  const [signed, , bits] = read(at(read(whole), 0).content);
  if (signed?.tag !== SEQUENCE || bits === undefined) throw new Error("certificate");
  const fields = read(signed.content).filter((node) => node.tag !== VERSION);
  const validity = read(at(fields, 3).content);
  const key = read(at(fields, 5).content);
  return {
    whole,
    signed: signed.whole,
    issuer: at(fields, 2).whole,
    subject: at(fields, 4).whole,
    since: timeOf(at(validity, 0)),
    until: timeOf(at(validity, 1)),
    point: at(key, 1).content.slice(1),
    isSm2: hex(at(key, 0).content).endsWith(SM2_CURVE),
    signature: bits.content.slice(1),
  };
}

/** A signature r‖s out of its DER form. */
function raw(der: Raw): Raw {
  const made = new Uint8Array(64);
  read(at(read(der), 0).content).forEach((node, place) => {
    const digits = node.content.slice(node.content.findIndex((byte) => byte !== 0));
    made.set(digits, 32 * (place + 1) - digits.length);
  });
  return made;
}

/** Whether a signature (r‖s) of a message is by a certificate's key. */
export async function verifyWith(by: Certificate, message: Raw, signature: Raw): Promise<boolean> {
  if (by.point.length !== POINT || signature.length !== 64) return false;
  if (by.isSm2) return gm.verify(by.point, message, signature);
  const key = await crypto.subtle.importKey("raw", by.point, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, message);
}

/** Whether one certificate was issued by another. */
export async function isIssuedBy(child: Certificate, parent: Certificate): Promise<boolean> {
  return same(child.issuer, parent.subject) && verifyWith(parent, child.signed, raw(child.signature));
}
