// The file tree (2.8): parts of 4 MiB, their SHA-256 hashes, and the root that names a sealed file.
import type { Bulk } from "./bulk";
import type { Bytes } from "./bytes";
import { hex } from "./bytes";
import { PART } from "./protocol";
import { rootOf } from "./tree";

/** Buffers of parts at most: one is filled while others are hashed. */
const BUFFERS = 2;

// Used again by the next file: a browser collects a buffer late.
const spare: Bytes[] = [];
const buffer = (): Bytes => spare.pop() ?? new Uint8Array(1 + PART);

/** Takes a file in pieces of any size and gives its part hashes and its tree. */
export class PartHasher {
  private part = buffer();
  private filled = 1;
  private readonly hashes: Promise<Bytes>[] = [];
  size = 0;

  constructor(private readonly bulk: Bulk) {}

  /** Takes the next piece; wait for it before the next, so that memory stays bounded. */
  async update(piece: Uint8Array): Promise<void> {
    this.size += piece.length;
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + this.part.length - this.filled);
      this.part.set(taken, this.filled);
      this.filled += taken.length;
      at += taken.length;
      if (this.filled === this.part.length) await this.nextPart();
    }
  }

  /** `Part-Hash` of every part, hex, and the tree; ends the file. */
  async finish(): Promise<{ parts: string[]; tree: string }> {
    if (this.filled > 1) this.handOver();
    const raw = await Promise.all(this.hashes);
    return { parts: raw.map(hex), tree: hex(rootOf(raw)) };
  }

  private async nextPart(): Promise<void> {
    this.handOver();
    await this.hashes.at(-BUFFERS);
    this.part = buffer();
    this.filled = 1;
  }

  private handOver(): void {
    const hashing = this.bulk.digest({ do: "digest", buffer: this.part.buffer, length: this.filled }).then((done) => {
      spare.push(new Uint8Array(done.buffer));
      return new Uint8Array(done.hash);
    });
    // Told to whoever waits for it, at the latest at the end of the file.
    hashing.catch(() => undefined);
    this.hashes.push(hashing);
  }
}
