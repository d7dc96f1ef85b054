// DER, strictly and no more of it than certificates need: definite, shortest lengths only.
import type { Bytes } from "./bytes";
import { badChain } from "./refused";

export interface Node {
  tag: number;
  /** Tag, length and content. */
  whole: Bytes;
  content: Bytes;
}

const damaged = () => badChain("expected a certificate in DER, got other bytes; send the chain");

function readOne(raw: Bytes, at: number): Node {
  const tag = raw[at];
  const first = raw[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw damaged();
  let length = first;
  let begin = at + 2;
  if (first >= 0x80) {
    const bytes = first & 0x7f;
    if (bytes === 0 || bytes > 3) throw damaged();
    length = raw.subarray(begin, begin + bytes).reduce((sum, byte) => sum * 256 + byte, 0);
    begin += bytes;
    if (length < 0x80 || length < 256 ** (bytes - 1)) throw damaged();
  }
  if (begin + length > raw.length) throw damaged();
  return { tag, whole: raw.subarray(at, begin + length), content: raw.subarray(begin, begin + length) };
}

/** The values inside a constructed one, or at the top of some bytes. */
export function children(raw: Bytes): Node[] {
  const found: Node[] = [];
  for (let at = 0; at < raw.length; ) {
    const node = readOne(raw, at);
    found.push(node);
    at += node.whole.length;
  }
  return found;
}

/** The one value that some bytes are, of this tag; refuses anything after it. */
export function only(raw: Bytes, tag: number): Node {
  const [node, ...more] = children(raw);
  if (node === undefined || node.tag !== tag || more.length > 0) throw damaged();
  return node;
}

export function expect(node: Node | undefined, tag: number): Node {
  if (node === undefined || node.tag !== tag) throw damaged();
  return node;
}

/** Dotted text of an object identifier. */
export function oid(node: Node | undefined): string {
  const content = expect(node, 0x06).content;
  const arcs: bigint[] = [];
  let value = 0n;
  content.forEach((byte) => {
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(value);
      value = 0n;
    }
  });
  const first = arcs.shift();
  if (first === undefined || (content.at(-1) as number) >= 0x80) throw damaged();
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - top * 40n, ...arcs].join(".");
}

/** Text of the string types that names are written in. */
export function text(node: Node): string {
  const encodings: Record<number, string> = { 0x0c: "utf-8", 0x13: "utf-8", 0x16: "utf-8", 0x1e: "utf-16be" };
  const encoding = encodings[node.tag];
  if (encoding === undefined) throw damaged();
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(node.content);
  } catch {
    throw damaged();
  }
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime in the one form that X.509 allows. */
export function time(node: Node): number {
  const written = new TextDecoder("latin1").decode(node.content);
  const match = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(written);
  if (match === null || (node.tag === 0x17 ? 2 : 4) !== (match[1] as string).length) throw damaged();
  const [, year = "", month, day, hour, minute, second] = match;
  const whole = node.tag === 0x18 ? year : `${Number(year) < 50 ? "20" : "19"}${year}`;
  return Date.parse(`${whole}-${month}-${day}T${hour}:${minute}:${second}.000Z`);
}

/** r‖s of an ECDSA or SM2 signature in DER, each `length` bytes. */
export function rawSignature(der: Bytes, length: number): Bytes {
  const parts = children(only(der, 0x30).content);
  if (parts.length !== 2) throw damaged();
  const made = new Uint8Array(2 * length);
  parts.forEach((part, at) => {
    const number = expect(part, 0x02).content;
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > length) throw damaged();
    made.set(digits, (at + 1) * length - digits.length);
  });
  return made;
}
