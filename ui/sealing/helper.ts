// A thread beside the sealing one: does its bulk work, order after order. It sees the payload's key of
// one envelope, never T, B or a recovery code, and nobody but the worker that made it can speak to it.
import type { ChunkDone, ChunkOrder, PartDone, PartOrder } from "./bulk";
import { BulkHere } from "./bulk";

export type Order = (ChunkOrder | PartOrder) & { id: number };
/** Number 0 is said once: the helper stands. */
export type Done = { id: number; done: ChunkDone | PartDone | null; fault: string | null };

const bulk = new BulkHere();
const say = (done: Done, moved: ArrayBuffer[] = []): void =>
  (globalThis as unknown as { postMessage(done: Done, moved: ArrayBuffer[]): void }).postMessage(done, moved);

async function work(order: Order): Promise<void> {
  const { id } = order;
  if (order.do === "digest") {
    const done = await bulk.digest(order);
    say({ id, done, fault: null }, [done.buffer]);
    return;
  }
  const done = await bulk.chunks(order);
  say({ id, done, fault: null }, [done.input, done.output]);
}

globalThis.addEventListener("message", (event: Event) => {
  const order = (event as MessageEvent<Order>).data;
  work(order).catch((error: unknown) => say({ id: order.id, done: null, fault: String(error) }));
});
say({ id: 0, done: null, fault: null });
