// The recovery code (解密凭证): 140 bits on paper from which a bidder's unwrap key follows (2.7).
import type { Bytes } from "./bytes";
import { random, same, toBigInt } from "./bytes";
import { bigEndian } from "./bytes";
import { sha256 } from "./hashing";
import { Refused } from "./refused";
import type { OwnKey, Suite } from "./suite";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS = 28;
const CHECK_BITS = 12n;

export const newSecret = (): Bytes => random(16);

const check = (secret: Uint8Array): bigint => toBigInt(sha256(secret).slice(0, 2)) >> 4n;

/** The code of 16 random bytes with its check bits, in 7 groups of 4. */
export function showCode(secret: Uint8Array): string {
  let value = (toBigInt(secret) << CHECK_BITS) | check(secret);
  let letters = "";
  for (let at = 0; at < LETTERS; at += 1) {
    letters = (ALPHABET[Number(value & 31n)] as string) + letters;
    value >>= 5n;
  }
  return (letters.match(/.{4}/g) as string[]).join("-");
}

/** The 16 bytes of a code as a person types it; refuses one whose check bits do not fit. */
export function readCode(text: string): Bytes {
  const letters = text.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1").replace(/[-\s]/g, "");
  const digits = [...letters].map((letter) => ALPHABET.indexOf(letter));
  if (digits.length !== LETTERS || digits.includes(-1)) {
    throw new Refused("recovery-code", `expected ${LETTERS} letters and digits in groups of 4, got ${digits.length}; type the code again from the paper`);
  }
  const value = digits.reduce((sum, digit) => (sum << 5n) | BigInt(digit), 0n);
  const secret = bigEndian(value >> CHECK_BITS, 16);
  if (!same(bigEndian(value & 0xfffn, 2), bigEndian(check(secret), 2))) {
    throw new Refused("recovery-code", "expected a code as printed, got a typing error; compare each group");
  }
  return secret;
}

/** The unwrap key of a code for one lot. */
export const recoveryKey = (suite: Suite, secret: Bytes, lot: string): OwnKey => suite.keyFrom(suite.recoverySeed(secret, lot));
