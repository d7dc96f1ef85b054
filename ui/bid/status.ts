// The status line on every page of a bidder's lot: what is not resolved is resolved, what is only a
// draft of this browser is said to be one, and a receipt is verified before it is believed.
import { ask } from "./api";
import { Handing, checkReceipt } from "./acts";
import type { ActAnswer } from "./acts";
import { showBanner } from "./banner";
import type { Place } from "./place";
import { say } from "./place";
import type { ReceiptFile } from "./receipt";
import type { Draft } from "./store";
import { actsOf, get, keyOf } from "./store";

/** The draft of this browser that is not handed in, if there is one. */
export const draftOf = (place: Place): Promise<Draft | undefined> => get("drafts", keyOf(place.lot, place.uscc));

export async function startStatus(place: Place): Promise<void> {
  const open = (await actsOf(keyOf(place.lot, place.uscc))).filter((act) => act.state === "open").at(-1);
  if (open !== undefined) {
    await new Handing(place, open).run(false);
    return;
  }
  if (place.waiting !== null) {
    const answer = await ask<ActAnswer>(place.csrf, "GET", `/api/v1/acts/${place.waiting}`);
    const { seq } = answer.ticket.body as { seq: number };
    const statement = { type: "", body: {}, sigs: [] };
    const act = { sid: place.waiting, key: "", lot: place.lot, seq, statement, uploads: [], state: "open" as const, at: 0 };
    await new Handing(place, act).settle(answer);
    return;
  }
  const draft = await draftOf(place);
  if (draft !== undefined && place.isOpen) showDraft(place);
  else if (place.receipt !== null && place.isBid) await verifyShown(place, place.receipt);
}

/** Says that this browser holds something that is not handed in. */
export function showDraft(place: Place): void {
  const { words, lot, nextSeq } = place;
  const ways = [{ label: say(words, "to_check"), href: `/lots/${lot}/bid/check`, primary: true }];
  if (place.isBid && place.finalSeq !== null) {
    const text = say(words, "stale_text", { final: place.finalSeq, seq: nextSeq });
    showBanner(place, "stale", say(words, "stale_title"), text, ways);
  } else {
    showBanner(place, "unsent", say(words, "draft_none_title"), say(words, "draft_sealed_text", { seq: nextSeq }), ways);
  }
}

/** The server said 已递交: this browser looks for itself, and says so only where it does not hold. */
async function verifyShown(place: Place, receipt: string): Promise<void> {
  const file = await ask<ReceiptFile>(place.csrf, "GET", `/api/v1/receipts/${receipt}/proof`);
  try {
    await checkReceipt(file, place.finalSid ?? "");
    place.element.dataset.verified = "";
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    const text = say(place.words, "verify_failed_text", { why });
    showBanner(place, "unknown", say(place.words, "verify_failed_title"), text);
  }
}
