// The hash tree of RFC 6962: roots and inclusion proofs, checked strictly.
import type { Bytes } from "./bytes";
import { concat } from "./bytes";
import { sha256 } from "./hashing";
import { Refused } from "./refused";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);
const LARGEST = 2n ** 63n - 1n;

const badProof = (message: string): Refused => new Refused("bad-proof", message);

export const hashLeaf = (leaf: Uint8Array): Bytes => sha256(concat(LEAF, leaf));
export const hashNode = (left: Uint8Array, right: Uint8Array): Bytes => sha256(concat(NODE, left, right));

/** The root over leaf hashes; the root of nothing is SHA-256 of nothing. */
export function rootOf(leaves: Uint8Array[]): Bytes {
  const stack: Uint8Array[] = [];
  leaves.forEach((leaf, at) => {
    let top = leaf;
    // As many complete nodes merge as the count ends in zero bits.
    for (let count = at + 1; count % 2 === 0; count /= 2) top = hashNode(stack.pop() as Uint8Array, top);
    stack.push(top);
  });
  if (stack.length === 0) return sha256(new Uint8Array());
  return new Uint8Array(stack.reduceRight((right, left) => hashNode(left, right)));
}

/** Refuses unless the proof shows the leaf at this index of the tree with this root. */
export function checkInclusion(leaf: Uint8Array, index: bigint, size: bigint, proof: Uint8Array[], root: Uint8Array): void {
  if (size <= 0n || size > LARGEST || index < 0n || index >= size) throw badProof(`expected an index below the tree size ${size}, got ${index}`);
  if ([leaf, root, ...proof].some((value) => value.length !== 32)) throw badProof("expected hashes of 32 bytes");
  // Below `inner` the paths of this leaf and of the last one differ; above it only left siblings.
  const inner = bitLength(index ^ (size - 1n));
  const border = (index >> BigInt(inner)).toString(2).replace(/0/g, "").length;
  if (proof.length !== inner + border) throw badProof(`expected a proof of ${inner + border} hashes, got ${proof.length}`);
  let value = leaf;
  proof.forEach((sibling, step) => {
    const isRight = step >= inner || ((index >> BigInt(step)) & 1n) === 1n;
    value = isRight ? hashNode(sibling, value) : hashNode(value, sibling);
  });
  if (!value.every((byte, at) => byte === root[at])) throw badProof(`the proof of leaf ${index} does not lead to the root of size ${size}`);
}

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
