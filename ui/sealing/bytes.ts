// Bytes and their spellings. Every decoder refuses a second spelling of the same bytes.
import { badField } from "./refused";

/** Bytes of our own, never shared between threads; what WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

export const utf8 = (text: string): Bytes => encoder.encode(text);

export function concat(...parts: Uint8Array[]): Bytes {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

export const hex = (raw: Uint8Array): string =>
  Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function unhex(text: string): Bytes {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw badField("expected lower-case hex, got other characters");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function binary(raw: Uint8Array): string {
  let text = "";
  for (let at = 0; at < raw.length; at += 8192) text += String.fromCharCode(...raw.subarray(at, at + 8192));
  return text;
}

/** Base64 with padding, as signed notes use it. */
export const base64 = (raw: Uint8Array): string => btoa(binary(raw));

/** Reads base64 with padding; null for every other spelling. */
export function unbase64(text: string): Bytes | null {
  try {
    const raw = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return base64(raw) === text ? raw : null;
  } catch {
    return null;
  }
}

/** Base64url without padding. */
export const b64 = (raw: Uint8Array): string =>
  base64(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** Reads base64url; refuses padding, foreign characters, spare bits and another length. */
export function unb64(text: string, length?: number): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw badField("expected base64url without padding, got other characters; send it again");
  }
  const standard = text.replace(/-/g, "+").replace(/_/g, "/");
  const raw = unbase64(standard + "=".repeat((4 - (text.length % 4)) % 4));
  if (raw === null) throw badField("expected base64url whose spare bits are zero; encode the value again");
  if (length !== undefined && raw.length !== length) {
    throw badField(`expected ${length} bytes in base64url, got ${raw.length}; send the whole value`);
  }
  return raw;
}

export function bigEndian(value: number | bigint, length: number): Bytes {
  const made = new Uint8Array(length);
  let rest = BigInt(value);
  for (let at = length - 1; at >= 0; at -= 1) {
    made[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return made;
}

export const toNumber = (raw: Uint8Array): number => raw.reduce((sum, byte) => sum * 256 + byte, 0);
export const toBigInt = (raw: Uint8Array): bigint => (raw.length === 0 ? 0n : BigInt(`0x${hex(raw)}`));

/** Equal or not, in a time that depends on the lengths alone. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at += 1) difference |= (a[at] as number) ^ (b[at] as number);
  return difference === 0;
}

export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
