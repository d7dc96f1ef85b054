// The page of sealing and uploading: the frame seals, this page sends what it gave.
import type { SealFrame } from "../sealing/host";
import { FrameRefused } from "../sealing/host";
import type { AppKey, Company, Progress, SealedBid, SealedFile } from "../sealing/protocol";
import { startAppKey } from "./app-key";
import { membersOf } from "./consortium";
import { NoFrame, openFrame } from "./frame";
import type { Place } from "./place";
import { part, put, say } from "./place";
import { drawPhases } from "./progress";
import { startSelfCheck } from "./selfcheck";
import { draftOf, showDraft } from "./status";
import type { Envelope } from "./statement";
import { envelopesOf, partHash, sidOf } from "./statement";
import type { Draft, DraftFile } from "./store";
import { actsOf, keyOf, remove, save } from "./store";
import { PART } from "./upload";
import { Sending } from "./sending";

export function startSealing(place: Place): void {
  const page = part(document, "[data-seal]");
  if (page !== null) void new SealPage(place, page).start();
}

class SealPage {
  private frame: SealFrame | null = null;
  private appKey: AppKey | null = null;
  private draft: Draft | undefined;
  private kept: Envelope[] = [];
  private members: Company[] = [];
  private isSealing = false;
  /** Told how far a trial opening is, while one goes on. */
  private rehearsing: ((at: { volume: string; percent: number }) => void) | null = null;
  private readonly sending: Sending;

  constructor(
    private readonly place: Place,
    private readonly page: HTMLElement,
  ) {
    this.sending = new Sending(place, page, () => this.draw());
  }

  async start(): Promise<void> {
    startAppKey(this.place, (key) => {
      this.appKey = key;
    });
    startSelfCheck(this.place, this.page);
    this.listen();
    await this.offerKept();
    this.draft = await draftOf(this.place);
    this.draw();
    if (this.draft !== undefined) await this.goOn(this.draft);
  }

  private listen(): void {
    part(this.page, "[data-begin-seal]")?.addEventListener("click", () => void this.seal());
    part(this.page, "[data-run-rehearse]")?.addEventListener("click", () => void this.rehearse());
    part(this.page, "[data-forget]")?.addEventListener("click", () => void this.forget());
    const picked = part<HTMLInputElement>(this.page, "#pick");
    picked?.addEventListener("change", () => void this.picked([...(picked.files ?? [])]));
    addEventListener("beforeunload", (event) => {
      if (this.isSealing) event.preventDefault();
    });
  }

  /** Volumes of the version that counts, which this browser sealed: they need not be sent again. */
  private async offerKept(): Promise<void> {
    if (!this.place.isBid) return;
    const acts = await actsOf(keyOf(this.place.lot, this.place.uscc));
    const last = acts.find((act) => act.sid === this.place.finalSid);
    this.kept = last === undefined ? [] : envelopesOf(last.statement.body);
    this.members = last === undefined ? [] : membersOf(last.statement.body);
    for (const envelope of this.kept) {
      const line = this.lineOf(envelope.volume);
      const choice = line === null ? null : part(line, "[data-keep]");
      const box = choice?.querySelector("input");
      if (line === null || choice === null || box == null) continue;
      choice.hidden = false;
      box.checked = true;
      box.addEventListener("change", () => this.draw());
      const words = choice.querySelector("span");
      const title = part(line, "h3")?.textContent ?? "";
      if (words !== null) words.textContent = `${say(this.place.words, "state_kept")}：${title}`;
    }
  }

  private chosenKept(): Envelope[] {
    const volumes = [...this.page.querySelectorAll<HTMLInputElement>('input[name="keep"]:checked')].map((box) => box.value);
    return this.kept.filter((envelope) => volumes.includes(envelope.volume));
  }

  private lineOf(volume: string): HTMLElement | null {
    return part(this.page, `[data-volume="${volume}"]`);
  }

  private async connected(): Promise<SealFrame> {
    const where = part(this.page, "[data-frame-place]");
    const origin = this.page.dataset.frame ?? "";
    if (where === null || origin === "") throw new NoFrame("–");
    if (this.frame === null) {
      this.frame = await openFrame(where, origin);
      this.frame.listen((notice) => {
        if (notice.notice === "progress") this.progress(notice);
      });
    }
    return this.frame;
  }

  /** The frame, moved to where the person sees what it asks. */
  private async asking(): Promise<SealFrame> {
    const frame = await this.connected();
    part(this.page, "[data-frame-place]")?.scrollIntoView({ block: "center" });
    return frame;
  }

  private async seal(): Promise<void> {
    const fault = part(this.page, "[data-frame-fault]");
    const begin = part<HTMLButtonElement>(this.page, "[data-begin-seal]");
    put(fault, null);
    if (begin !== null) begin.disabled = true;
    try {
      const frame = await this.connected();
      const answer = await fetch(`/api/v1/lots/${this.place.lot}/sealing-material`, { cache: "no-store" });
      const { uscc, name, mandate, nextSeq, prev } = this.place;
      this.isSealing = true;
      const made = await frame.ask({
        verb: "seal",
        material: await answer.text(),
        titles: this.titles(),
        bidder: { uscc, name },
        // As in the version that counts; it can be changed until the list is signed.
        consortium: this.members,
        mandate,
        seq: nextSeq,
        prev,
        kept: this.chosenKept(),
        // The person compares the digits with the tender document: this page's word would be worth nothing.
        expected: null,
        app_key: this.appKey,
        demo: this.page.dataset.demo !== undefined,
      });
      await this.sealed(made);
    } catch (error) {
      put(fault, this.whyNot(error));
    } finally {
      this.isSealing = false;
      if (begin !== null) begin.disabled = false;
      this.draw();
    }
  }

  private whyNot(error: unknown): string {
    const { words } = this.place;
    if (error instanceof FrameRefused) {
      return error.problem.code === "cancelled" ? say(words, "cancelled") : say(words, "frame_refused", { why: error.problem.message });
    }
    return say(words, "frame_away", { why: error instanceof Error ? error.message : String(error) });
  }

  private titles(): Record<string, string> {
    const lines = [...this.page.querySelectorAll<HTMLElement>("[data-volume]")];
    return Object.fromEntries(lines.map((line) => [line.dataset.volume ?? "", part(line, "h3")?.textContent ?? ""]));
  }

  /** The frame sealed: what is to be handed in is kept before the first byte is sent. */
  private async sealed(made: SealedBid): Promise<void> {
    const { lot, uscc, nextSeq } = this.place;
    const files: DraftFile[] = made.files.map(({ volume, name, size, tree, parts }) => ({ volume, name, size, tree, parts }));
    const sid = await sidOf("manifest", made.manifest);
    this.draft = { key: keyOf(lot, uscc), lot, uscc, seq: nextSeq, manifest: made.manifest, sid, files, at: Date.now() };
    await save("drafts", this.draft);
    showDraft(this.place);
    this.send(this.draft, new Map(made.files.map((one) => [one.tree, one.file])));
  }

  /** After a reload: the frame still holds the sealed files, or the person picks the saved ones. */
  private async goOn(draft: Draft): Promise<void> {
    // The platform may have all of it already: then nothing is sent, and the frame still lets it be saved.
    await this.sending.isStored(draft);
    this.draw();
    this.send(draft, await this.fromFrame(draft));
  }

  private async fromFrame(draft: Draft): Promise<Map<string, Blob>> {
    try {
      const held = await (await this.connected()).ask({ verb: "files", lot: draft.lot });
      const files: SealedFile[] = held?.files ?? [];
      const wanted = new Set(draft.files.map((file) => file.tree));
      return new Map(files.filter((one) => wanted.has(one.tree)).map((one) => [one.tree, one.file]));
    } catch {
      return new Map();
    }
  }

  private send(draft: Draft, sources: Map<string, Blob>): void {
    void this.sending.send(draft, sources);
    this.draw();
  }

  /** Sealed files from disk: each must be one of this draft, by its size and its first part. */
  private async picked(files: File[]): Promise<void> {
    const { draft } = this;
    if (draft === undefined) return;
    const found = new Map<string, Blob>();
    const wrong: string[] = [];
    for (const file of files) {
      const head = await partHash(new Uint8Array(await file.slice(0, PART).arrayBuffer()));
      const one = draft.files.find((wanted) => wanted.size === file.size && wanted.parts[0] === head);
      if (one === undefined) wrong.push(say(this.place.words, "wrong_file", { name: file.name }));
      else found.set(one.tree, file);
    }
    put(part(this.page, "[data-wrong]"), wrong.length === 0 ? null : wrong.join(" "));
    this.send(draft, found);
  }

  private async rehearse(): Promise<void> {
    const list = part(this.page, "[data-rehearse-lines]");
    if (list === null) return;
    const { words, lot } = this.place;
    const lines: string[] = [];
    try {
      const frame = await this.asking();
      const titles = this.titles();
      this.rehearsing = ({ volume, percent }) => {
        const now = document.createElement("li");
        now.textContent = say(words, "rehearsing", { volume: titles[volume] ?? volume, percent });
        list.replaceChildren(now);
      };
      const found = await frame.ask({ verb: "rehearse", lot });
      for (const one of found) {
        const volume = titles[one.volume] ?? one.volume;
        const by = say(words, `by_${one.by.replace(/-/g, "_")}`);
        lines.push(one.opens ? say(words, "rehearsed_ok", { volume, by }) : say(words, "rehearsed_bad", { volume, why: one.reason ?? "" }));
      }
      if (found.length === 0) lines.push(say(words, "rehearse_none"));
    } catch (error) {
      lines.push(this.whyNot(error));
    } finally {
      this.rehearsing = null;
    }
    list.replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  private async forget(): Promise<void> {
    try {
      await (await this.asking()).ask({ verb: "forget", lot: this.place.lot });
    } catch (error) {
      // Only the person may delete what the frame keeps; without a frame nothing is kept there.
      if (error instanceof FrameRefused) {
        put(part(this.page, "[data-frame-fault]"), this.whyNot(error));
        return;
      }
    }
    await remove("drafts", keyOf(this.place.lot, this.place.uscc));
    location.reload();
  }

  private progress(notice: Progress): void {
    const percent = notice.total === 0 ? 0 : Math.floor((notice.done / notice.total) * 100);
    if (this.rehearsing !== null) {
      this.rehearsing({ volume: notice.volume, percent });
      return;
    }
    const line = this.lineOf(notice.volume);
    const list = line === null ? null : part(line, "[data-phases]");
    if (list === null) return;
    list.hidden = false;
    // The frame's own last look at the sealed file belongs to sealing: the fourth phase is the platform's.
    const phase = notice.phase === "read" ? "read" : "seal";
    drawPhases(list, this.place.words, { phase, percent });
    put(part(this.page, "[data-close]"), say(this.place.words, "close_no"));
  }

  private draw(): void {
    const { draft, place } = this;
    const sealed = new Set(draft?.files.map((file) => file.volume));
    const kept = new Set(draft === undefined ? [] : envelopesOf(draft.manifest).map((one) => one.volume).filter((volume) => !sealed.has(volume)));
    for (const line of this.page.querySelectorAll<HTMLElement>("[data-volume]")) {
      const volume = line.dataset.volume ?? "";
      this.sending.drawVolume(line, draft?.files.find((file) => file.volume === volume), kept.has(volume));
    }
    const begin = part<HTMLButtonElement>(this.page, "[data-begin-seal]");
    const all = this.page.querySelectorAll("[data-volume]").length;
    if (begin !== null && !this.isSealing) begin.disabled = this.chosenKept().length === all;
    this.sending.draw(draft);
    const check = part(this.page, "[data-to-check]");
    if (check !== null) check.hidden = draft === undefined || !place.isOpen;
    const forget = part(this.page, "[data-forget]");
    if (forget !== null) forget.hidden = draft === undefined;
  }
}
