// The file tree (2.8): parts of 4 MiB, their SHA-256 hashes, and the root that names a sealed file.
import type { Bytes } from "./bytes";
import { hex } from "./bytes";
import { PART } from "./protocol";
import { rootOf } from "./tree";

/** Hashes under way at once: each holds a copy of its part. */
const AT_ONCE = 2;

/** Takes a file in pieces of any size and gives its part hashes and its tree. */
export class PartHasher {
  private readonly part = new Uint8Array(1 + PART);
  private filled = 1;
  private readonly hashes: Promise<ArrayBuffer>[] = [];
  size = 0;

  /** Takes the next piece; wait for it before the next, so that memory stays bounded. */
  async update(piece: Uint8Array): Promise<void> {
    this.size += piece.length;
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + this.part.length - this.filled);
      this.part.set(taken, this.filled);
      this.filled += taken.length;
      at += taken.length;
      if (this.filled === this.part.length) {
        this.finishPart();
        await this.hashes.at(-AT_ONCE);
      }
    }
  }

  /** `Part-Hash` of every part, hex, and the tree; ends the file. */
  async finish(): Promise<{ parts: string[]; tree: string }> {
    if (this.filled > 1) this.finishPart();
    const raw: Bytes[] = (await Promise.all(this.hashes)).map((hash) => new Uint8Array(hash));
    return { parts: raw.map(hex), tree: hex(rootOf(raw)) };
  }

  private finishPart(): void {
    // WebCrypto copies its input before it returns: the buffer is free again at once.
    this.hashes.push(crypto.subtle.digest("SHA-256", this.part.subarray(0, this.filled)));
    this.filled = 1;
  }
}
