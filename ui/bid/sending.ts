// The upload part of the page: which files go out, how far they are, what hinders them.
import { ask } from "./api";
import { Meter } from "./meter";
import type { Place } from "./place";
import { bytes, part, put, say, span } from "./place";
import { platformNow } from "../clock";
import { drawPhases } from "./progress";
import type { Draft, DraftFile } from "./store";
import { get } from "./store";
import type { Trouble } from "./upload";
import { Stopped, Uploader } from "./upload";

const TAGS = { ok: "ok", info: "info", bad: "bad", warn: "warn" } as const;

/** Whether the platform has every file of a draft whole. */
export async function allStored(place: Place, draft: Draft): Promise<string[]> {
  const missing: string[] = [];
  for (const file of draft.files) {
    const known = await get("uploads", file.tree);
    const seen =
      known === undefined
        ? null
        : await ask<{ complete: boolean }>(place.csrf, "GET", `/api/v1/uploads/${known.upload}`, undefined, { "upload-secret": known.secret }).catch(() => null);
    if (seen?.complete !== true) missing.push(file.tree);
  }
  return missing;
}

export class Sending {
  private readonly uploads = new Map<string, Uploader>();
  private readonly stored = new Set<string>();
  private readonly faults = new Map<string, Trouble>();
  private readonly meter = new Meter();
  private isPaused = false;
  private isRunning = false;
  private drawing = 0;

  constructor(
    private readonly place: Place,
    private readonly page: HTMLElement,
    private readonly changed: () => void,
  ) {
    const press = (name: string, work: () => void): void => part(page, name)?.addEventListener("click", work);
    press("[data-pause]", () => this.pause(true));
    press("[data-resume]", () => this.pause(false));
    press("[data-retry]", () => this.each((one) => one.retryNow()));
  }

  private each(work: (one: Uploader) => void): void {
    for (const one of this.uploads.values()) work(one);
  }

  private pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.each((one) => (isPaused ? one.pause() : one.resume()));
    this.meter.reset(this.doneBytes());
    this.changed();
  }

  async isStored(draft: Draft): Promise<boolean> {
    const missing = await allStored(this.place, draft);
    for (const file of draft.files) if (!missing.includes(file.tree)) this.stored.add(file.tree);
    return missing.length === 0;
  }

  /** Sends the files that are at hand, one after another; what is missing is asked for. */
  async send(draft: Draft, sources: Map<string, Blob>): Promise<void> {
    for (const file of draft.files) {
      const source = sources.get(file.tree);
      if (source === undefined || this.stored.has(file.tree)) continue;
      this.faults.delete(file.tree);
      this.uploads.set(file.tree, new Uploader(file, source, this.place.csrf, () => this.soon()));
    }
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      await this.sendAll();
    } finally {
      this.isRunning = false;
      this.changed();
    }
  }

  private async sendAll(): Promise<void> {
    for (;;) {
      const next = [...this.uploads.values()].find((one) => !one.isDone && !this.faults.has(one.file.tree));
      if (next === undefined) return;
      if (this.isPaused) next.pause();
      try {
        await next.run();
        this.stored.add(next.file.tree);
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        this.faults.set(next.file.tree, error.trouble);
        // What stops one file for the login's sake stops them all.
        if (error.trouble.kind === "session" || error.trouble.kind === "reload") return;
      } finally {
        this.changed();
      }
    }
  }

  private soon(): void {
    if (this.drawing !== 0) return;
    this.drawing = window.setTimeout(() => {
      this.drawing = 0;
      this.changed();
    }, 150);
  }

  private doneOf(file: DraftFile): number {
    return this.stored.has(file.tree) ? file.size : (this.uploads.get(file.tree)?.done ?? 0);
  }

  private doneBytes(): number {
    return [...this.uploads.values()].reduce((sum, one) => sum + one.done, 0);
  }

  tell(text: string | null): void {
    put(part(this.page, "[data-trouble]"), text);
  }

  /** One line of the list of volumes. */
  drawVolume(line: HTMLElement, file: DraftFile | undefined, isKept: boolean): void {
    const { words } = this.place;
    const tag = part(line, "[data-tag]");
    const phases = part(line, "[data-phases]");
    if (tag === null || phases === null) return;
    if (file === undefined) {
      if (isKept) this.mark(tag, "ok", say(words, "state_kept"));
      else if (line.dataset.tree === undefined) this.mark(tag, null, say(words, "state_missing"));
      else this.mark(tag, "ok", say(words, "state_kept"));
      return;
    }
    const note = part(line, "[data-note]");
    if (note !== null) note.textContent = say(words, "volume_ready", { size: bytes(file.size), tree: `${file.tree.slice(0, 16)}…` });
    phases.hidden = false;
    const fault = this.faults.get(file.tree);
    const percent = Math.floor((this.doneOf(file) / file.size) * 100);
    if (fault !== undefined) this.mark(tag, "bad", say(words, "state_bad"));
    else if (this.stored.has(file.tree)) this.mark(tag, "ok", say(words, "state_stored"));
    else if (this.uploads.has(file.tree)) this.mark(tag, "info", say(words, "state_uploading", { percent }));
    else this.mark(tag, "warn", say(words, "state_sealed"));
    drawPhases(phases, words, this.stored.has(file.tree) ? null : { phase: "upload", percent, isBad: fault !== undefined });
    put(part(line, "[data-fault]"), fault === undefined ? null : this.sentence(fault));
  }

  private mark(tag: HTMLElement, state: keyof typeof TAGS | null, text: string): void {
    if (state === null) delete tag.dataset.state;
    else tag.dataset.state = state;
    if (tag.textContent !== text) tag.textContent = text;
  }

  private sentence(trouble: Trouble): string {
    const { words } = this.place;
    const values = { done: bytes(this.doneBytes()), status: trouble.status, tries: trouble.tries, seconds: Math.ceil(trouble.seconds ?? 0), why: trouble.why };
    const keys: Record<Trouble["kind"], string> = {
      network: "waiting_net", busy: "waiting_busy", full: "disk_full", away: "storage_away", large: "too_large",
      session: "session_over", reload: "reload", changed: "changed", refused: "refused_upload",
    };
    return say(words, keys[trouble.kind], values);
  }

  /** The card above the list: percent, bytes, speed, time left, and whether the window may close. */
  draw(draft: Draft | undefined): void {
    const card = part(this.page, "[data-upload-card]");
    put(part(this.page, "[data-upload-none]"), draft === undefined ? (part(this.page, "[data-upload-none]")?.textContent ?? "") : null);
    if (card === null) return;
    card.hidden = draft === undefined || draft.files.length === 0;
    const lost = (draft?.files ?? []).filter((file) => !this.stored.has(file.tree) && (!this.uploads.has(file.tree) || this.faults.get(file.tree)?.kind === "changed"));
    const pick = part(this.page, "[data-pick]");
    if (pick !== null) pick.hidden = lost.length === 0;
    if (draft === undefined || card.hidden) return;
    const total = draft.files.reduce((sum, file) => sum + file.size, 0);
    const done = draft.files.reduce((sum, file) => sum + this.doneOf(file), 0);
    const isDone = draft.files.every((file) => this.stored.has(file.tree));
    this.drawNumbers(card, done, total, isDone);
    this.drawButtons(card, isDone);
    this.drawTrouble(lost, isDone);
  }

  private drawNumbers(card: HTMLElement, done: number, total: number, isDone: boolean): void {
    const { words } = this.place;
    const percent = Math.floor((done / total) * 100);
    const speed = this.meter.measure(done);
    const isMoving = this.isRunning && !this.isPaused && speed !== null && speed > 0;
    put(part(card, "[data-percent]"), `${percent}%`);
    const sizes = say(words, "bytes_of", { done: bytes(done), total: bytes(total), speed: `${bytes(isMoving ? speed : 0)}/s` });
    put(part(card, "[data-bytes]"), isDone ? bytes(total) : sizes);
    const seconds = isMoving ? (total - done) / speed : null;
    put(part(card, "[data-left]"), isDone ? "" : seconds === null ? say(words, "left_unknown") : say(words, "left", { time: span(words, seconds) }));
    const enough = part(card, "[data-enough]");
    const closes = Date.parse(this.page.dataset.closes ?? "");
    if (enough !== null) {
      const spare = seconds === null || Number.isNaN(closes) ? null : (closes - platformNow()) / 1000 - seconds;
      enough.hidden = spare === null;
      if (spare !== null) this.mark(enough, spare > 0 ? "ok" : "bad", spare > 0 ? say(words, "enough", { time: span(words, spare) }) : say(words, "not_enough"));
    }
    const phases = part(card, "[data-total-phases]");
    if (phases !== null) drawPhases(phases, words, isDone ? null : { phase: "upload", percent, isBad: this.faults.size > 0 });
    const closing = isDone ? "close_done" : this.isPaused ? "paused" : this.page.dataset.frame ? "close_yes" : "close_pick";
    put(part(card, "[data-close]"), say(words, closing, { percent }));
  }

  private drawButtons(card: HTMLElement, isDone: boolean): void {
    const show = (name: string, is: boolean): void => {
      const button = part(card, name);
      if (button !== null) button.hidden = !is;
    };
    show("[data-pause]", this.isRunning && !this.isPaused && !isDone);
    show("[data-resume]", this.isPaused && !isDone);
    show("[data-retry]", [...this.uploads.values()].some((one) => one.trouble?.seconds != null));
  }

  private drawTrouble(lost: DraftFile[], isDone: boolean): void {
    const waiting = [...this.uploads.values()].map((one) => one.trouble).find((one) => one?.seconds != null);
    const stop = [...this.faults.values()].find((one) => one.kind === "session" || one.kind === "reload");
    if (stop !== undefined) {
      this.tell(this.sentence(stop));
      this.wayBack(stop.kind === "session");
    } else if (waiting != null) this.tell(this.sentence(waiting));
    else if (lost.length > 0 && !this.isRunning) this.tell(say(this.place.words, "need_files", { names: lost.map((file) => file.name).join("、") }));
    else if (isDone || this.isRunning) this.tell(null);
  }

  private wayBack(isLogin: boolean): void {
    const note = part(this.page, "[data-trouble]");
    if (note === null || note.querySelector("a") !== null) return;
    const link = document.createElement("a");
    link.href = isLogin ? `/login?next=${encodeURIComponent(location.pathname)}` : location.pathname;
    link.textContent = isLogin ? say(this.place.words, "log_in") : location.pathname;
    note.append(" ", link);
  }
}
