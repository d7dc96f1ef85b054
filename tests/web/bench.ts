// For the benchmark alone, never shipped: how fast this browser seals, against its own AES-GCM in calls
// of 16 KiB of which 16 are under way. Runs in a worker; the page that bundles it asks by a message.
import { bulkBeside } from "../../ui/sealing/beside";
import { CHUNK } from "../../ui/sealing/bulk";
import type { Bytes } from "../../ui/sealing/bytes";
import { random, utf8 } from "../../ui/sealing/bytes";
import { LotKeys } from "../../ui/sealing/opening-keys";
import type { Source } from "../../ui/sealing/payload";
import { sealPackage } from "../../ui/sealing/sealing";
import { Statement } from "../../ui/sealing/statements";
import { suiteOf } from "../../ui/sealing/suite";

export interface Question {
  /** The statement of the lot's opening keys, as its file. */
  opening_keys: string;
  bytes: number;
}

export interface Answer {
  bytes: number;
  raw_s: number;
  seal_s: number;
}

// Its helpers stand before anything is asked for, as the frame's do while files are read.
const bulk = bulkBeside();
const AT_ONCE = 16;
const PIECE = 4 * 1024 * 1024;

interface SyncHandle {
  write(block: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

async function raw(bytes: number): Promise<number> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const chunk = new Uint8Array(CHUNK);
  const began = performance.now();
  let left = Math.ceil(bytes / CHUNK);
  const lane = async (number: number): Promise<void> => {
    const iv = new Uint8Array(12);
    for (let count = 0; left > 0; count += 1) {
      left -= 1;
      new DataView(iv.buffer).setBigUint64(4, BigInt(number) * 2n ** 40n + BigInt(count));
      await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, chunk);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => lane(number)));
  return (performance.now() - began) / 1000;
}

/** Seals so many bytes into the origin-private file system, as the frame's worker does. */
async function seal(bytes: number, keys: LotKeys): Promise<number> {
  const place = await navigator.storage.getDirectory();
  const file = await place.getFileHandle("bench.tbe", { create: true });
  const handle = await (file as unknown as { createSyncAccessHandle(): Promise<SyncHandle> }).createSyncAccessHandle();
  const piece = new Uint8Array(PIECE);
  let given = 0;
  const source: Source = () => {
    const count = Math.min(PIECE, bytes - given);
    given += count;
    return Promise.resolve(piece.subarray(0, count));
  };
  const own = suiteOf(keys.body.suite).keyFrom(random(suiteOf(keys.body.suite).ephemeralLength));
  let at = 0;
  const began = performance.now();
  try {
    await sealPackage(source, bytes, keys, "qual", "91340600MA0000100X", [own.public], (block: Bytes) => {
      at += handle.write(block, { at });
      return Promise.resolve();
    }, bulk);
    handle.flush();
    return (performance.now() - began) / 1000;
  } finally {
    handle.close();
    await place.removeEntry("bench.tbe");
  }
}

globalThis.addEventListener("message", (event: Event) => {
  const { opening_keys, bytes } = (event as MessageEvent<Question>).data;
  void (async () => {
    const keys = new LotKeys(Statement.read(utf8(opening_keys)));
    const answer: Answer = { bytes, raw_s: await raw(bytes), seal_s: await seal(bytes, keys) };
    (globalThis as unknown as { postMessage(answer: Answer): void }).postMessage(answer);
  })();
});
