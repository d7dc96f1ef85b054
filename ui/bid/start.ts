// Everything that a bidder's pages gain where script runs.
import { checkReceipt } from "./acts";
import { ask } from "./api";
import { startCheck } from "./check";
import { startHandIn } from "./hand-in";
import { part, placeOf, put, say } from "./place";
import type { Words } from "./place";
import type { ReceiptFile } from "./receipt";
import { startRelease } from "./release";
import { startSealing } from "./seal";
import { startStatus } from "./status";

export function startBid(): void {
  startRelease();
  const shown = part(document, "[data-check-receipt]");
  if (shown !== null) void checkShown(shown);
  const place = placeOf(part(document, "[data-bid]"));
  if (place === null) return;
  startSealing(place);
  startCheck(place);
  if (!startHandIn(place)) void startStatus(place);
}

/** The page of a receipt: this browser verifies it too, whoever looks. */
async function checkShown(line: HTMLElement): Promise<void> {
  const words = JSON.parse(line.dataset.words ?? "{}") as Words;
  const file = await ask<ReceiptFile>("", "GET", `/api/v1/receipts/${line.dataset.checkReceipt}/proof`);
  try {
    await checkReceipt(file, line.dataset.act ?? "");
    put(line, say(words, "receipt_ok"));
  } catch (error) {
    line.dataset.state = "bad";
    put(line, say(words, "receipt_bad", { why: error instanceof Error ? error.message : "" }));
  }
}
