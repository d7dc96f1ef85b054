// The worker that seals and rehearses: it alone sees T and B, and they end with the call that made them.
import { bulkBeside } from "./beside";
import type { Bytes } from "./bytes";
import { utf8 } from "./bytes";
import { LARGEST_PLAIN } from "./envelope";
import type { KeptVolume } from "./keeping";
import { browserKey, checkRoom, drop, find, folder, keep, keptBrowserKey, machineCode, storedFile, sweep, volumesOf } from "./keeping";
import { LotKeys } from "./opening-keys";
import { Package } from "./package";
import { cipherLength } from "./payload";
import type { Phase } from "./protocol";
import { recoveryKey } from "./recovery";
import { Refused } from "./refused";
import type { Stored } from "./sealing";
import { rehearse, sealPackage } from "./sealing";
import { Statement } from "./statements";
import type { OwnKey } from "./suite";
import { suiteOf } from "./suite";
import type { RehearseWork, Report, SealWork, Shown, Work } from "./work";
import { LARGEST_GM, entriesOf } from "./work";

/** Header, wraps and directory of a package are far below. */
const SPARE = 8 * 1024 * 1024;
const SPEAK_EVERY_MS = 200;

// What a worker has and the page's types do not know.
interface SyncHandle {
  write(block: Uint8Array, options: { at: number }): number;
  read(block: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}
const syncHandle = (file: FileSystemFileHandle): Promise<SyncHandle> =>
  (file as unknown as { createSyncAccessHandle(): Promise<SyncHandle> }).createSyncAccessHandle();
const report = (message: Report): void => (globalThis as unknown as { postMessage(message: Report): void }).postMessage(message);

/** A gate that the person closes and opens: the same run waits, nothing is thrown away. */
class Gate {
  private open: Promise<void> = Promise.resolve();
  private release: (() => void) | null = null;

  pause(): void {
    if (this.release !== null) return;
    this.open = new Promise((done) => {
      this.release = done;
    });
  }

  resume(): void {
    this.release?.();
    this.release = null;
  }

  pass(): Promise<void> {
    return this.open;
  }
}

const gate = new Gate();
const bulk = bulkBeside();

/** Counts bytes of three passes over all volumes and tells of them, not more often than needed. */
class Counter {
  private spoken = 0;
  private overall = 0;
  private done = 0;
  private volume = "";
  private phase: Phase = "read";
  private total = 0;

  constructor(private readonly sum: number) {}

  begin(volume: string, phase: Phase, total: number): void {
    [this.volume, this.phase, this.total, this.done] = [volume, phase, total, 0];
    this.speak();
  }

  /** So many bytes of the phase are done. */
  reach(done: number): void {
    this.overall += done - this.done;
    this.done = done;
    if (performance.now() - this.spoken > SPEAK_EVERY_MS || done === this.total) this.speak();
  }

  add(bytes: number): void {
    this.reach(this.done + bytes);
  }

  private speak(): void {
    this.spoken = performance.now();
    const { volume, phase, done, total } = this;
    report({ said: "progress", volume, phase, done, total, overall: Math.min(1, this.overall / Math.max(1, this.sum)) });
  }
}

async function seal(work: SealWork): Promise<Report> {
  const keys = new LotKeys(Statement.read(utf8(work.opening_keys)));
  const suite = suiteOf(keys.body.suite);
  const sizes = work.volumes.map(({ files }) => files.reduce((sum, { file }) => sum + file.size, 0));
  const sum = sizes.reduce((a, b) => a + b, 0);
  if (suite.name === "GM-1" && sum > LARGEST_GM) {
    throw new Refused("E_TOO_LARGE", `a browser seals up to ${LARGEST_GM} bytes under GM-1, these are ${sum}; seal with the command instead: sunbid seal`);
  }
  await sweep();
  await checkRoom(sizes.reduce((room, size) => room + cipherLength(size) + SPARE, 0));
  const own = [recoveryKey(suite, work.code, work.lot), await browserKey(work.lot, suite)];
  const points = [...own.map((key) => key.public), ...work.points];
  const machine = await machineCode();
  const counter = new Counter(3 * sum);
  const made: KeptVolume[] = [];
  for (const { volume, files } of work.volumes) {
    await keep("begun", { lot: work.lot, volume });
    const total = files.reduce((bytes, { file }) => bytes + file.size, 0);
    counter.begin(volume, "read", total);
    const pack = await Package.read(volume, entriesOf(files), machine, work.at, (bytes) => counter.add(bytes));
    if (pack.length > LARGEST_PLAIN) throw new Refused("E_TOO_LARGE", `expected at most ${LARGEST_PLAIN} bytes in ${volume}, got ${pack.length}; split it`);
    made.push(await sealVolume(work, keys, volume, pack, own, points, counter));
  }
  for (const one of made) await keep("volumes", one);
  return { said: "sealed", volumes: made.map(({ volume, tree, size, header_hash, wraps_hash, plain_len, bidder_salt }) => ({ volume, tree, size, header_hash, wraps_hash, plain_len, bidder_salt })) };
}

async function sealVolume(work: SealWork, keys: LotKeys, volume: string, pack: Package, own: OwnKey[], points: Bytes[], counter: Counter): Promise<KeptVolume> {
  const stored = `${crypto.randomUUID()}.tbe`;
  const handle = await syncHandle(await (await folder()).getFileHandle(stored, { create: true }));
  try {
    counter.begin(volume, "seal", pack.length);
    let at = 0;
    const sealed = await sealPackage(pack.source(), pack.length, keys, volume, work.uscc, points, async (block) => {
      await gate.pass();
      if (handle.write(block, { at }) !== block.length) throw new Refused("no-room", "the browser ran out of room; free some, or seal with the command instead: sunbid seal");
      at += block.length;
      counter.reach(Math.min(at, pack.length));
    }, bulk);
    handle.flush();
    counter.begin(volume, "check", pack.length);
    const recorded = { tree: sealed.listed.tree, t: sealed.t, bidder_salt: sealed.listed.bidder_salt };
    await rehearse(reading(handle, sealed.listed.size), recorded, keys, own, work.uscc, (done) => counter.reach(Math.min(done, pack.length)), bulk);
    return { ...sealed.listed, lot: work.lot, stored, parts: sealed.parts, t: sealed.t, saved: false, uscc: work.uscc, opening_keys: keys.sid };
  } finally {
    handle.close();
  }
}

/** The file that was just written, read again through one buffer: each block is used up at once. */
function reading(handle: SyncHandle, size: number): Stored {
  const buffer = new Uint8Array(1024 * 1024);
  return {
    size,
    read: async (at, most) => {
      await gate.pass();
      const block = buffer.subarray(0, Math.min(most, buffer.length));
      return block.subarray(0, handle.read(block, { at }));
    },
  };
}

async function rehearseAll(work: RehearseWork): Promise<Report> {
  const bid = await find("bids", work.lot);
  if (bid === undefined) throw new Refused("nothing-kept", "this browser keeps no sealed bid of this lot");
  const keys = new LotKeys(Statement.read(utf8(bid.opening_keys)));
  const suite = suiteOf(keys.body.suite);
  const browser = await keptBrowserKey(work.lot);
  const own: [Shown["by"], OwnKey][] = [];
  if (browser !== null) own.push(["browser-key", browser]);
  if (work.code !== null) own.push(["recovery-code", recoveryKey(suite, work.code, work.lot)]);
  const kept = await volumesOf(bid);
  const counter = new Counter(own.length * kept.reduce((sum, one) => sum + one.size, 0));
  const found: Shown[] = [];
  for (const one of kept) {
    for (const [by, key] of own) found.push(await rehearseOne(one, keys, by, key, counter));
  }
  return { said: "rehearsed", found };
}

async function rehearseOne(kept: KeptVolume, keys: LotKeys, by: Shown["by"], key: OwnKey, counter: Counter): Promise<Shown> {
  counter.begin(kept.volume, "check", kept.size);
  try {
    const file = await storedFile(kept.stored);
    const stored: Stored = { size: file.size, read: async (at, most) => new Uint8Array(await file.slice(at, at + most).arrayBuffer()) };
    await rehearse(stored, kept, keys, [key], kept.uscc, (done) => counter.reach(Math.min(done, kept.size)), bulk);
    return { volume: kept.volume, tree: kept.tree, by, opens: true, reason: null };
  } catch (error) {
    return { volume: kept.volume, tree: kept.tree, by, opens: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function run(work: Work): Promise<void> {
  if (work.do === "pause") gate.pause();
  else if (work.do === "resume") gate.resume();
  else if (work.do === "seal") report(await locked(() => seal(work).finally(() => drop("begun", work.lot))));
  else report(await rehearseAll(work));
}

/**
 * One sealing at a time in all tabs: the sweep must not take another's unfinished file. What it gives
 * is told at its very end, since the frame ends this worker as soon as it hears it.
 */
function locked(work: () => Promise<Report>): Promise<Report> {
  return navigator.locks.request("sunbid-seal", { ifAvailable: true }, (lock) => {
    if (lock === null) throw new Refused("busy", "another tab of this browser is sealing; wait for it or close it");
    return work().catch(async (error: unknown) => {
      // Nothing of a sealing that failed is used again: neither its file nor its keys.
      await sweep();
      throw error;
    });
  });
}

globalThis.addEventListener("message", (event: Event) => {
  const work = (event as MessageEvent<Work>).data;
  run(work).catch((error: unknown) => {
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    const code = error instanceof Refused ? error.code : isFull ? "no-room" : "fault";
    const message = error instanceof Error ? error.message : String(error);
    report({ said: "failed", code, message: isFull ? "the browser ran out of room; seal with the command instead: sunbid seal" : message });
  });
});
