// Canonical JSON (3.1): the one spelling in which statements, headers and ledger bodies are hashed.
import type { Bytes } from "./bytes";
import { same, utf8 } from "./bytes";
import { Refused, badField } from "./refused";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const DEEPEST = 12;
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

const refusal = (expected: string, got: string): Refused =>
  new Refused("E_NOT_CANONICAL", `expected ${expected}, got ${got}; write the value again as canonical JSON (RFC 8785)`);

/** Writes a value in its one spelling; refuses what canonical JSON cannot hold. */
export const canonical = (value: unknown): Bytes => utf8(written(value, 1));

function written(value: unknown, depth: number): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw refusal("integers below 2^53", "another number");
    return String(value);
  }
  if (typeof value === "string") return JSON.stringify(checked(value));
  if (typeof value !== "object") throw refusal("objects, arrays, text, integers, true, false, null", "another value");
  if (depth > DEEPEST) throw refusal(`nesting of at most ${DEEPEST}`, "deeper nesting");
  if (Array.isArray(value)) return `[${value.map((item) => written(item, depth + 1)).join(",")}]`;
  const keys = Object.keys(value).sort();
  if (keys.some((key) => !/^[\x00-\x7f]*$/.test(key))) throw refusal("ASCII keys", "another key");
  const fields = value as Record<string, unknown>;
  return `{${keys.map((key) => `${JSON.stringify(checked(key))}:${written(fields[key], depth + 1)}`).join(",")}}`;
}

function checked(text: string): string {
  if (FORBIDDEN.test(text)) throw refusal("no control character but the line feed, no lone surrogate", "one");
  if (text.normalize("NFC") !== text) throw refusal("text in the Unicode form NFC", "another form");
  return text;
}

/** Reads canonical JSON; refuses more than `limit` bytes and every other spelling. */
export function parse(raw: Uint8Array, limit: number): Json {
  if (raw.length > limit) {
    throw new Refused("E_TOO_LARGE", `expected at most ${limit} bytes of canonical JSON, got ${raw.length}; send a smaller file`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw refusal("UTF-8", "other bytes");
  }
  // Before the parser: its own recursion must not be the limit.
  if (nesting(text) > DEEPEST) throw refusal(`nesting of at most ${DEEPEST}`, "deeper nesting");
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw refusal("JSON", "something else");
  }
  if (!same(canonical(value), raw)) {
    throw refusal("sorted keys, no white space and the shortest spelling", "another spelling of the same");
  }
  return value;
}

function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "[" || char === "{") deepest = Math.max(deepest, (depth += 1));
    else if (char === "]" || char === "}") depth -= 1;
  }
  return deepest;
}

/** Milliseconds since 1970 of a UTC time; refuses any other form and days that do not exist. */
export function parseTime(text: string): number {
  const ms = TIME.test(text) ? Date.parse(text) : NaN;
  // Date.parse rolls 30 February over into March: what it read must be what stood there.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) {
    throw badField(`expected a time like 2026-11-21T09:30:00.000Z, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return ms;
}

/** A time in UTC, floored to the millisecond. */
export const timeText = (ms: number): string => new Date(Math.floor(ms)).toISOString();
