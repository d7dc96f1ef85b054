// The sealing worker's helpers: one thread for chunks, one for the hashes of parts.
import type { Bulk, ChunkDone, ChunkOrder, PartDone, PartOrder } from "./bulk";
import { BulkHere } from "./bulk";
import type { Done, Order } from "./helper";

/**
 * A helper is replaced after so many bytes. What a browser keeps of each call until it collects it, some
 * 2 KiB, ends with the thread: so the memory stays the same whatever the size.
 */
const LIFE = 32 * 1024 * 1024;

interface Waiting {
  done: (value: never) => void;
  failed: (reason: Error) => void;
}

/** One helper's thread; orders are answered by their number. */
class Helper {
  private readonly worker = new Worker("/helper.js", { type: "module" });
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;
  private fault: Error | null = null;
  state: "starting" | "ready" | "failed" = "starting";

  constructor() {
    this.worker.onmessage = (event: MessageEvent<Done>) => this.take(event.data);
    this.worker.onerror = (event) => {
      this.state = "failed";
      this.fault = new Error(`a helper of the sealing ended: ${event.message ?? "its script was not loaded"}`);
      for (const one of this.waiting.values()) one.failed(this.fault);
    };
  }

  ask<Value>(order: ChunkOrder | PartOrder, moved: ArrayBuffer[]): Promise<Value> {
    if (this.fault !== null) return Promise.reject(this.fault);
    this.last += 1;
    const asked: Order = { ...order, id: this.last };
    return new Promise<Value>((done, failed) => {
      this.waiting.set(asked.id, { done: done as Waiting["done"], failed });
      this.worker.postMessage(asked, moved);
    });
  }

  end(): void {
    this.worker.terminate();
  }

  private take({ id, done, fault }: Done): void {
    this.state = "ready";
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (fault === null) waiting?.done(done as never);
    else waiting?.failed(new Error(fault));
  }
}

/** A helper for work that comes one piece after another, and the next one made ready in time. */
class Renewed {
  private helper = new Helper();
  private next: Helper | null = null;
  private used = 0;

  /** The helper for so many further bytes; without the network the old one goes on. */
  for(bytes: number): Helper {
    this.used += bytes;
    if (this.next?.state === "failed") [this.next, this.used] = [null, 0];
    if (this.used > (LIFE * 3) / 4) this.next ??= new Helper();
    if (this.used > LIFE && this.next?.state === "ready") {
      this.helper.end();
      [this.helper, this.next, this.used] = [this.next, null, 0];
    }
    return this.helper;
  }
}

class BulkBeside implements Bulk {
  private readonly sealing = new Renewed();
  private readonly hashing = new Helper();

  chunks(order: ChunkOrder): Promise<ChunkDone> {
    return this.sealing.for(order.length).ask(order, [order.input, order.output]);
  }

  digest(order: PartOrder): Promise<PartDone> {
    return this.hashing.ask(order, [order.buffer]);
  }
}

/** Threads beside this one, which end with it; this one itself where a browser's workers have none. */
export const bulkBeside = (): Bulk => (typeof Worker === "undefined" ? new BulkHere() : new BulkBeside());
