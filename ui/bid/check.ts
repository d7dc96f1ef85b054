// The page before handing in: what goes out, what is still needed, and the way to the phone.
import type { KeptState } from "../sealing/protocol";
import { ApiProblem, ask } from "./api";
import { openFrame } from "./frame";
import type { Place } from "./place";
import { bytes, part, put, say } from "./place";
import { membersOf, onDraft, tellDraft, unsignedBy, withManifest } from "./consortium";
import { allStored } from "./sending";
import { draftOf } from "./status";
import { envelopesOf } from "./statement";
import type { Draft } from "./store";

interface Need {
  isMet: boolean;
  text: string;
  why: string | null;
  /** Where it is met, when not on the page of sealing. */
  href?: string;
}

export function startCheck(place: Place): void {
  const page = part(document, "[data-check]");
  if (page !== null) void new CheckPage(place, page).start();
}

class CheckPage {
  private kept: KeptState | null = null;
  private draft: Draft | null = null;

  constructor(
    private readonly place: Place,
    private readonly page: HTMLElement,
  ) {}

  async start(): Promise<void> {
    const found = await draftOf(this.place);
    if (found === undefined) return;
    this.draft = await this.current(found);
    const none = part(this.page, "[data-no-draft]");
    if (none !== null) none.hidden = true;
    for (const shown of this.page.querySelectorAll<HTMLElement>("[data-draft]")) shown.hidden = false;
    this.listen();
    const joint = part(this.page, "[data-joint]");
    if (joint !== null) {
      onDraft(joint, "changed", (draft) => {
        this.draft = draft;
        void this.refresh(draft);
      });
      tellDraft(joint, "shown", this.draft);
    }
    this.draw(this.draft);
    this.kept = await this.keptState();
    await this.refresh(this.draft);
  }

  private listen(): void {
    const button = part<HTMLButtonElement>(this.page, "[data-submit]");
    button?.addEventListener("click", () => {
      if (this.draft === null) return;
      button.disabled = true;
      this.submit(this.draft).catch((error: unknown) => {
        button.disabled = false;
        put(part(this.page, "[data-why]"), error instanceof ApiProblem ? error.message : String(error));
      });
    });
  }

  private async refresh(draft: Draft): Promise<void> {
    this.draw(draft);
    const needs = await this.needs(draft);
    this.drawNeeds(needs);
    const why = needs.find((need) => !need.isMet)?.why ?? null;
    put(part(this.page, "[data-why]"), why ?? say(this.place.words, "ready"));
    const button = part<HTMLButtonElement>(this.page, "[data-submit]");
    if (button !== null) button.disabled = why !== null;
  }

  /** The draft as the next act: other versions may have gone out since it was sealed. */
  private async current(draft: Draft): Promise<Draft> {
    const { nextSeq, prev } = this.place;
    if (draft.manifest.seq === nextSeq && draft.manifest.prev === prev) return draft;
    return withManifest(draft, { ...draft.manifest, seq: nextSeq, prev });
  }

  private draw(draft: Draft): void {
    const { words, finalSeq } = this.place;
    const envelopes = new Map(envelopesOf(draft.manifest).map((one) => [one.volume, one]));
    const fresh = new Set(draft.files.map((file) => file.volume));
    for (const line of this.page.querySelectorAll<HTMLElement>("[data-volume]")) {
      const one = envelopes.get(line.dataset.volume ?? "");
      const isKept = one !== undefined && !fresh.has(one.volume);
      const note =
        one === undefined
          ? ""
          : isKept
            ? say(words, "volume_kept", { seq: finalSeq ?? "", size: bytes(one.size) })
            : say(words, "volume_ready", { size: bytes(one.size), tree: `${one.tree.slice(0, 16)}…` });
      put(part(line, "[data-note]"), note);
      const tag = part(line, "[data-tag]");
      put(tag, say(words, one === undefined ? "state_missing" : isKept ? "state_kept" : "state_sealed"));
      if (tag !== null) tag.dataset.state = one === undefined ? "bad" : "ok";
    }
    put(part(this.page, "[data-seq]"), String(draft.seq));
    put(part(this.page, "[data-sid]"), draft.sid.match(/.{4}/g)?.join(" ") ?? draft.sid);
  }

  private async needs(draft: Draft): Promise<Need[]> {
    const { words } = this.place;
    const has = new Set(envelopesOf(draft.manifest).map((one) => one.volume));
    const lines = [...this.page.querySelectorAll<HTMLElement>("[data-volume]")];
    const names = lines.filter((line) => !has.has(line.dataset.volume ?? "")).map((line) => part(line, "h3")?.textContent ?? "");
    const missing = await allStored(this.place, draft);
    const { kept } = this;
    const saved = new Set(kept?.volumes.filter((one) => one.saved).map((one) => one.tree));
    const isSaved = draft.files.every((file) => saved.has(file.tree));
    const isOld = draft.manifest.opening_keys !== this.page.dataset.openingKeys;
    const word = (key: string, is: boolean): string => say(words, `${key}_${is ? "yes" : "no"}`);
    const needs: Need[] = [
      { isMet: missing.length === 0, text: word("uploaded", missing.length === 0), why: say(words, "why_uploading", { n: missing.length }) },
      { isMet: isSaved, text: word("saved", isSaved), why: say(words, "why_not_saved") },
      { isMet: kept?.code_confirmed === true, text: word("code", kept?.code_confirmed === true), why: say(words, "why_no_code") },
    ];
    const members = membersOf(draft.manifest);
    const waiting = unsignedBy(draft);
    if (members.length > 0) {
      const why = say(words, "why_unsigned", { names: waiting.map((one) => one.name).join("、") });
      needs.push({ isMet: waiting.length === 0, text: word("members", waiting.length === 0), why, href: "#joint" });
    }
    const more: [boolean, string][] = [
      [!this.place.isOpen, say(words, "why_closed")],
      [this.place.waiting !== null, say(words, "why_waiting")],
      [names.length > 0, say(words, "why_missing", { names: names.join("、") })],
      [isOld, say(words, "why_old_keys")],
    ];
    return [...more.filter(([is]) => is).map(([, why]) => ({ isMet: false, text: why, why })), ...needs];
  }

  /** What the frame keeps for this lot: whether files are saved and the code is confirmed. */
  private async keptState(): Promise<KeptState | null> {
    const where = part(this.page, "[data-frame-place]");
    const origin = this.page.dataset.frame ?? "";
    if (where === null || origin === "") return null;
    try {
      return await (await openFrame(where, origin)).ask({ verb: "state", lot: this.place.lot });
    } catch {
      return null;
    }
  }

  private drawNeeds(needs: Need[]): void {
    const list = part(this.page, "[data-needs]");
    const items = needs.map((need) => {
      const item = document.createElement("li");
      item.dataset.state = need.isMet ? "ok" : "bad";
      const mark = document.createElement("i");
      mark.className = `icon ${need.isMet ? "i-done" : "i-cross"}`;
      mark.setAttribute("aria-hidden", "true");
      const text = document.createElement("div");
      text.append(Object.assign(document.createElement("p"), { textContent: need.text }));
      if (!need.isMet) {
        const link = document.createElement("a");
        link.href = need.href ?? `/lots/${this.place.lot}/bid/seal`;
        link.textContent = say(this.place.words, "go_seal");
        text.append(link);
      }
      item.append(mark, text);
      return item;
    });
    list?.replaceChildren(...items);
  }

  /** Asks for the phone's signature; the waiting page leads on from there. */
  private async submit(draft: Draft): Promise<void> {
    const body = { purpose: "sign", statement: { type: "manifest", body: draft.manifest }, return_to: location.pathname };
    const made = await ask<{ id: string }>(this.place.csrf, "POST", "/api/v1/challenges", body);
    location.assign(`/sign/${made.id}`);
  }
}
