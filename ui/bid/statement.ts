// Statements as this page needs them: canonical JSON, their identity, hashes of parts.
export type Raw = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

export const utf8 = (text: string): Raw => encoder.encode(text);

export const hex = (raw: Uint8Array): string => Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function concat(...pieces: Uint8Array[]): Raw {
  const made = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    made.set(piece, at);
    at += piece.length;
  }
  return made;
}

export const sha256 = async (...pieces: Uint8Array[]): Promise<Raw> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...pieces)));

/** RFC 8785 for what statements hold: sorted keys, whole numbers, no white space. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const held = value as Record<string, unknown>;
    return `{${Object.keys(held).sort().map((key) => `${JSON.stringify(key)}:${canonical(held[key])}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Error("expected whole numbers");
  return JSON.stringify(value);
}

export const signedBytes = (type: string, body: unknown): Raw => utf8(`sunbid/v1/${type}\n${canonical(body)}`);

export const sidOf = async (type: string, body: unknown): Promise<string> => hex(await sha256(signedBytes(type, body)));

/** `Part-Hash` of the bytes of one part (2.8). */
export const partHash = async (content: Uint8Array): Promise<string> => hex(await sha256(new Uint8Array([0]), content));

export function fromBase64(text: string): Raw {
  const plain = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(plain), (char) => char.charCodeAt(0));
}

export const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

export interface Envelope {
  volume: string;
  tree: string;
  size: number;
  header_hash: string;
  wraps_hash: string;
  plain_len: number;
  bidder_salt: string;
}

export const envelopesOf = (manifest: Record<string, unknown>): Envelope[] => manifest.envelopes as Envelope[];
