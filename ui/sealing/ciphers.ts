// The payload's ciphers (2.5), apart from the suites, so that a helper's thread carries no curves.
import type { Bytes } from "./bytes";
import { Sm4Gcm } from "./sm4";

/** A cipher under one key; the caller counts the nonces. */
export interface Cipher {
  seal(nonce: Bytes, plain: Bytes): Promise<ArrayBuffer>;
  /** Rejects where the tag does not fit. */
  open(nonce: Bytes, sealed: Bytes): Promise<ArrayBuffer>;
}

export type SuiteName = "INTL-1" | "GM-1";

export async function aesGcm(key: Bytes): Promise<Cipher> {
  const made = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  return {
    seal: (iv, plain) => crypto.subtle.encrypt({ name: "AES-GCM", iv }, made, plain),
    open: (iv, sealed) => crypto.subtle.decrypt({ name: "AES-GCM", iv }, made, sealed),
  };
}

function sm4Gcm(key: Bytes): Promise<Cipher> {
  const made = new Sm4Gcm(key);
  return Promise.resolve({
    seal: (nonce, plain) => Promise.resolve(made.seal(nonce, plain).buffer),
    open: (nonce, sealed) => {
      const plain = made.open(nonce, sealed);
      return plain === null ? Promise.reject(new Error("the tag does not fit")) : Promise.resolve(plain.buffer);
    },
  });
}

/** The cipher of a suite's payload. */
export const cipherOf = (suite: SuiteName, key: Bytes): Promise<Cipher> => (suite === "GM-1" ? sm4Gcm(key) : aesGcm(key));
