// The page after the phone: the signed bid is kept first, then it goes out.
import { Handing } from "./acts";
import { ApiProblem, ask } from "./api";
import { showBanner } from "./banner";
import { unsignedBy } from "./consortium";
import type { Place } from "./place";
import { part, say } from "./place";
import { draftOf } from "./status";
import { envelopesOf, sidOf } from "./statement";
import type { Draft, SentAct } from "./store";
import { get, keyOf, save } from "./store";

/** Hands in what the phone signed for this page; false on every other page. */
export function startHandIn(place: Place): boolean {
  const page = part(document, "[data-hand-in]");
  if (page === null) return false;
  void handIn(place, page.dataset.challenge ?? "");
  return true;
}

async function handIn(place: Place, challenge: string): Promise<void> {
  const draft = await draftOf(place);
  const seq = draft?.seq ?? place.nextSeq;
  showBanner(place, "unknown", say(place.words, "unknown_title"), say(place.words, "unknown_text", { seq }));
  for (;;) {
    try {
      const { statement } = await ask<{ statement: SentAct["statement"] }>(place.csrf, "POST", `/api/v1/challenges/${challenge}/signature`);
      await go(place, statement, draft);
      return;
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (!error.isUnknown) {
        const why = error.status === 401 ? "session_over" : "signature_gone";
        const href = error.status === 401 ? `/login?next=${encodeURIComponent(location.pathname)}` : `/lots/${place.lot}/bid/check`;
        const label = say(place.words, error.status === 401 ? "log_in" : "sign_again");
        showBanner(place, "unsent", say(place.words, "not_taken_title"), say(place.words, why), [{ label, href, primary: true }]);
        return;
      }
    }
    // The signature is not used up by asking: it is asked for again until it is here.
    await new Promise((done) => setTimeout(done, 2_000));
  }
}

/** The statement with what a consortium's members signed; null where one of them has not signed it. */
function withMembers(statement: SentAct["statement"], sid: string, draft: Draft | undefined): SentAct["statement"] | null {
  const members = statement.body.consortium as unknown[];
  if (members.length === 0) return statement;
  if (draft?.sid !== sid || unsignedBy(draft).length > 0) return null;
  return { ...statement, sigs: [...statement.sigs, ...(draft.signatures ?? []).map((one) => one.signature)] };
}

async function go(place: Place, alone: SentAct["statement"], draft: Draft | undefined): Promise<void> {
  const sid = await sidOf(alone.type, alone.body);
  const known = await get("acts", sid);
  if (known !== undefined) {
    await new Handing(place, known).run(false);
    return;
  }
  const statement = withMembers(alone, sid, draft);
  if (statement === null) {
    // Refused by the platform it would use up the number of this version, and all would sign again.
    const { words, lot } = place;
    const ways = [{ label: say(words, "to_check"), href: `/lots/${lot}/bid/check#joint`, primary: true }];
    showBanner(place, "unsent", say(words, "not_taken_title"), say(words, "members_no"), ways);
    return;
  }
  const uploads: SentAct["uploads"] = [];
  for (const envelope of envelopesOf(statement.body)) {
    const upload = await get("uploads", envelope.tree);
    if (upload !== undefined) uploads.push({ upload: upload.upload, secret: upload.secret });
  }
  const seq = Number(statement.body.seq);
  const act: SentAct = { sid, key: keyOf(place.lot, place.uscc), lot: place.lot, seq, statement, uploads, state: "open", at: Date.now() };
  await save("acts", act);
  await new Handing(place, act).run(true);
}
