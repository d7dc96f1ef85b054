// Shamir shares over GF(2^8)/0x11B, dealt deterministically from the two halves (2.4).
import type { Bytes } from "./bytes";
import { concat, utf8 } from "./bytes";
import { Refused } from "./refused";
import type { Suite } from "./suite";
import { SECRET, derive } from "./suite";

export type DealtRole = "T" | "R";

/** The two secrets of one envelope: T for the custodians, B for the bidder and the remedy. */
export interface Halves {
  t: Bytes;
  b: Bytes;
}

export class Deal {
  readonly seed: Bytes;

  constructor(
    private readonly suite: Suite,
    readonly halves: Halves,
    headerHash: Bytes,
  ) {
    this.seed = derive(suite, headerHash, concat(halves.t, halves.b), utf8(`tbe1/deal/v1\0${suite.name}`), 32);
  }

  /** Coefficient j of a group's polynomial; coefficient 0 is the half itself. */
  coefficient(role: DealtRole, j: number): Bytes {
    if (j === 0) return role === "T" ? this.halves.t : this.halves.b;
    return this.suite.kdf.expand(this.seed, concat(utf8(`tbe1/coef/v1\0${role}`), new Uint8Array([j])), SECRET);
  }

  shares(role: DealtRole, k: number, n: number): Bytes[] {
    const coefficients = Array.from({ length: k }, (_, j) => this.coefficient(role, j));
    return Array.from({ length: n }, (_, at) => evaluate(coefficients, at + 1));
  }

  /** Input of the ephemeral key of wrap i of a role. */
  ephemeral(role: DealtRole | "B", i: number): Bytes {
    return this.suite.kdf.expand(this.seed, concat(utf8(`tbe1/eph/v1\0${role}`), new Uint8Array([i])), this.suite.ephemeralLength);
  }
}

/** The payload's input key: hidden as long as either half is (2.3). */
export const inputKey = (suite: Suite, halves: Halves, headerHash: Bytes): Bytes =>
  derive(suite, headerHash, concat(halves.t, halves.b), utf8(`tbe1/ikey/v1\0${suite.name}`), suite.inputKeyLength);

/** The half from the k shares of lowest index; no other subset is ever tried. */
export function combine(points: Map<number, Bytes>, k: number): Bytes {
  if (points.size < k) throw new Refused("E_SHARE", `expected ${k} shares, got ${points.size}; wait for more members`);
  const chosen = [...points.keys()].sort((a, b) => a - b).slice(0, k);
  const value = new Uint8Array(SECRET);
  for (const i of chosen) {
    // Lagrange basis at 0; subtraction is XOR in this field.
    const factor = chosen.reduce((product, j) => (j === i ? product : multiply(product, divide(j, j ^ i))), 1);
    (points.get(i) as Bytes).forEach((byte, at) => {
      value[at] = (value[at] as number) ^ multiply(byte, factor);
    });
  }
  return value;
}

function evaluate(coefficients: Bytes[], at: number): Bytes {
  const value = new Uint8Array(SECRET);
  for (const coefficient of [...coefficients].reverse()) {
    coefficient.forEach((byte, place) => {
      value[place] = multiply(value[place] as number, at) ^ byte;
    });
  }
  return value;
}

/** Product in GF(2^8)/0x11B, without a branch on either factor. */
export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    product ^= a & -((b >> bit) & 1);
    a = (a << 1) ^ (0x11b & -((a >> 7) & 1));
  }
  return product;
}

function divide(a: number, b: number): number {
  // The inverse of b is b^254.
  let inverse = 1;
  for (let step = 0; step < 254; step += 1) inverse = multiply(inverse, b);
  return multiply(a, inverse);
}
