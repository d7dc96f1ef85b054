// Hashes, HMAC and HKDF in one call each. Large parts are hashed by WebCrypto (`parts`).
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as sha256Of, sha512 } from "@noble/hashes/sha2.js";
import type { Bytes } from "./bytes";
import { concat } from "./bytes";

export const sha256 = (data: Uint8Array): Bytes => new Uint8Array(sha256Of(data));

export type Hmac = (key: Uint8Array, message: Uint8Array) => Bytes;

/** HKDF-Extract and -Expand of RFC 5869 over one hash. */
export interface Kdf {
  extract(salt: Uint8Array, ikm: Uint8Array): Bytes;
  expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes;
}

// Own, because the library's refuses a key shorter than its hash, as the payload has (2.3).
export const kdfOf = (mac: Hmac): Kdf => ({
  extract: mac,
  expand: (prk, info, length) => {
    let made: Bytes = new Uint8Array();
    let last: Bytes = new Uint8Array();
    for (let counter = 1; made.length < length; counter += 1) {
      last = mac(prk, concat(last, info, new Uint8Array([counter])));
      made = concat(made, last);
    }
    return made.slice(0, length);
  },
});

export const HKDF_SHA256 = kdfOf((key, message) => new Uint8Array(hmac(sha256Of, key, message)));
export const HKDF_SHA512 = kdfOf((key, message) => new Uint8Array(hmac(sha512, key, message)));
