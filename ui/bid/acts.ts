// Handing in a signed act, and finding out what became of it. What nobody knows yet is never called
// a failure: the same act is asked for, or sent again, under the same id.
import { ApiProblem, ask } from "./api";
import { showBanner } from "./banner";
import type { Place } from "./place";
import { clockOf, say } from "./place";
import type { Found, ReceiptFile, SignedStatement } from "./receipt";
import { readPolicy, verifyReceipt } from "./receipt";
import type { SentAct } from "./store";
import { get, keyOf, remove, save } from "./store";
import { envelopesOf } from "./statement";

const POLL_MS = 1_000;
const AGAIN_MS = 3_000;

interface ActAnswer {
  act: string;
  state: "pending" | "accepted" | "refused";
  ticket: SignedStatement;
  receipt: ReceiptFile | null;
  refusal: SignedStatement | null;
}

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** The policy of this platform as this browser first saw it: a changed key is not taken silently. */
async function trustedPolicy(): Promise<string> {
  const answer = await fetch("/policy", { cache: "no-store" });
  if (!answer.ok) throw new ApiProblem(answer.status, String(answer.status), "policy");
  const text = await answer.text();
  const keys = text.split("\n").filter((line) => /^(log |#anchor platform )/.test(line));
  const held = await get("trust", location.origin);
  if (held !== undefined && held.lines.some((line) => !keys.includes(line))) throw new Error("policy");
  await save("trust", { name: location.origin, lines: keys });
  return text;
}

export async function checkReceipt(file: ReceiptFile, sid: string): Promise<Found> {
  return verifyReceipt(file, sid, await readPolicy(await trustedPolicy()));
}

export class Handing {
  private wake: (() => void) | null = null;

  constructor(
    private readonly place: Place,
    private readonly act: SentAct,
  ) {}

  private say(key: string, values: Record<string, string | number> = {}): string {
    return say(this.place.words, key, { seq: this.act.seq, ...values });
  }

  /** Sends the act and stays until it is known what became of it. */
  async run(isNew: boolean): Promise<void> {
    let isAsking = !isNew;
    this.unknown();
    for (;;) {
      try {
        const answer = isAsking ? await this.look() : await this.send();
        if (answer !== null) return await this.settle(answer);
        isAsking = false;
        continue;
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        if (await this.isOver(error)) return;
      }
      isAsking = true;
      await this.pause();
    }
  }

  private unknown(): void {
    const earlier = this.place.isBid ? ` ${this.say("unknown_earlier")}` : "";
    showBanner(this.place, "unknown", this.say("unknown_title"), this.say("unknown_text") + earlier, [
      { label: this.say("check_again"), press: () => this.wake?.() },
    ]);
  }

  private pause(): Promise<void> {
    return new Promise((done) => {
      const end = (): void => {
        clearTimeout(timer);
        removeEventListener("online", end);
        done();
      };
      const timer = setTimeout(end, AGAIN_MS);
      addEventListener("online", end);
      this.wake = end;
    });
  }

  /** The act as the platform has it; null where it has none of this id. */
  private async look(): Promise<ActAnswer | null> {
    try {
      return await ask<ActAnswer>(this.place.csrf, "GET", `/api/v1/acts/${this.act.sid}`);
    } catch (error) {
      if (error instanceof ApiProblem && error.code === "unknown-act") return null;
      throw error;
    }
  }

  private async send(): Promise<ActAnswer> {
    const { token } = await ask<{ token: string }>(this.place.csrf, "POST", `/api/v1/lots/${this.act.lot}/tokens`);
    const body = { statement: this.act.statement, uploads: this.act.uploads, token };
    return ask<ActAnswer>(this.place.csrf, "POST", "/api/v1/acts", body, { "idempotency-key": this.act.sid });
  }

  /** What a refused request means; false where it is not known yet. */
  private async isOver(problem: ApiProblem): Promise<boolean> {
    if (problem.isUnknown) {
      this.unknown();
      return false;
    }
    if (problem.status === 401) {
      showBanner(this.place, "unknown", this.say("unknown_title"), this.say("session_over"), [
        { label: this.say("log_in"), href: `/login?next=${encodeURIComponent(location.pathname)}`, primary: true },
      ]);
      return true;
    }
    if (problem.body.refusal !== undefined) {
      await this.refused(problem.body.refusal as SignedStatement, problem.code);
      return true;
    }
    // Refused without a word of it in the ledger: still, only the platform's own "no such act" is final.
    const known = await this.look().catch(() => undefined);
    if (known === undefined) return false;
    if (known !== null) {
      await this.settle(known);
      return true;
    }
    await remove("acts", this.act.sid);
    showBanner(this.place, "unsent", this.say("not_taken_title"), this.say("not_taken_text", { why: problem.message }), [
      { label: this.say("to_check"), href: `/lots/${this.act.lot}/bid/check`, primary: true },
    ]);
    return true;
  }

  private async refused(refusal: SignedStatement, code: string): Promise<void> {
    await save("acts", { ...this.act, state: "refused" });
    const text = this.say(code === "E_LATE" ? "late_text" : "refused_text", { code });
    showBanner(this.place, "unsent", this.say("refused_title"), text, [
      { label: this.say("refused_file"), href: URL.createObjectURL(fileOf(refusal)) },
    ]);
  }

  /** From the ticket to the receipt: shown as handed in only when this browser has verified it. */
  async settle(first: ActAnswer): Promise<void> {
    let answer = first;
    for (;;) {
      if (answer.state === "refused" && answer.refusal !== null) {
        return this.refused(answer.refusal, String(answer.refusal.body.code));
      }
      if (answer.receipt !== null) break;
      const at = clockOf(String(answer.ticket.body.intake));
      showBanner(this.place, "unknown", this.say("ticket_title"), this.say("ticket_text", { at }));
      await wait(POLL_MS);
      answer = (await this.look().catch(() => null)) ?? answer;
    }
    await this.taken();
    await this.receipted(answer.receipt);
  }

  private async receipted(file: ReceiptFile): Promise<void> {
    let found: Found;
    try {
      found = await checkReceipt(file, this.act.sid);
    } catch (error) {
      const why = error instanceof Error ? error.message : "";
      showBanner(this.place, "unknown", this.say("verify_failed_title"), this.say("verify_failed_text", { why }));
      return;
    }
    const at = clockOf(found.intake);
    const see = { label: this.say("see_receipt"), href: `/receipts/${found.receipt}` };
    if (found.isWithdrawal) {
      showBanner(this.place, "unsent", this.say("withdrawn_title"), this.say("withdrawn_text", { at }), [see]);
      return;
    }
    const title = found.level === "accepted" ? this.say("amber_title") : this.say("sent_title", { receipt: found.receipt });
    const state = found.level === "accepted" ? "stale" : "sent";
    showBanner(this.place, state, title, this.say(`sent_text_${found.level}`, { at, seq: found.seq }), [see]);
  }

  /** The act is the platform's: the draft that it came from is none any more. */
  private async taken(): Promise<void> {
    // Another browser sent this one: nothing of it is kept here.
    if (this.act.key === "") return;
    await save("acts", { ...this.act, state: "taken" });
    const key = keyOf(this.place.lot, this.place.uscc);
    const draft = await get("drafts", key);
    if (draft === undefined || this.act.statement.type !== "manifest") return;
    const trees = (body: Record<string, unknown>): string => envelopesOf(body).map((one) => one.tree).join();
    if (trees(draft.manifest) === trees(this.act.statement.body)) await remove("drafts", key);
  }
}

const fileOf = (statement: SignedStatement): Blob => new Blob([JSON.stringify(statement)], { type: "application/json" });

export type { ActAnswer };
