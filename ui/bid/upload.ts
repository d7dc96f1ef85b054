// Sending a sealed file in parts, three in flight. What the platform stored is asked for, never
// guessed; a part whose hash is not the one of the sealing is never sent.
import { ApiProblem, ask, problemOf } from "./api";
import { partHash } from "./statement";
import type { BegunUpload, DraftFile } from "./store";
import { get, remove, save } from "./store";

export const PART = 4_194_304;
const IN_FLIGHT = 3;
const LONGEST_WAIT_S = 30;
const SILENCE_MS = 120_000;

export type Kind = "network" | "busy" | "full" | "away" | "large" | "session" | "reload" | "changed" | "refused";

/** Why an upload waits or stopped; with `seconds` it goes on by itself. */
export interface Trouble {
  kind: Kind;
  status: number;
  why: string;
  tries: number;
  seconds: number | null;
}

export class Stopped extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.why);
  }
}

class Begun extends Error {}

interface UploadView {
  stored: boolean[];
  complete: boolean;
}

const AGAIN: ReadonlySet<Kind> = new Set(["network", "busy", "full", "away"]);

export function kindOf(problem: ApiProblem): Kind {
  switch (problem.status) {
    case 0:
      return "network";
    case 401:
      return "session";
    case 403:
      return "reload";
    case 413:
      return "large";
    case 429:
      return "busy";
    case 507:
      return "full";
    case 503:
      return "away";
    default:
      if (problem.code === "E_PART_HASH") return "changed";
      return problem.status >= 500 ? "busy" : "refused";
  }
}

export class Uploader {
  stored: boolean[] = [];
  trouble: Trouble | null = null;
  isPaused = false;
  isDone = false;
  private readonly moving = new Map<number, number>();
  private readonly sleepers = new Set<() => void>();

  constructor(
    readonly file: DraftFile,
    private readonly source: Blob,
    private readonly csrf: string,
    private readonly changed: () => void,
  ) {
    addEventListener("online", () => this.retryNow());
  }

  /** Bytes that are stored or on their way. */
  get done(): number {
    const whole = this.stored.reduce((sum, is, at) => sum + (is ? this.length(at) : 0), 0);
    return whole + [...this.moving.values()].reduce((sum, sent) => sum + sent, 0);
  }

  pause(): void {
    this.isPaused = true;
    this.changed();
  }

  resume(): void {
    this.isPaused = false;
    this.retryNow();
    this.changed();
  }

  retryNow(): void {
    for (const wake of [...this.sleepers]) wake();
  }

  /** Sends what is missing until the platform says that all is stored; refuses with `Stopped`. */
  async run(): Promise<BegunUpload> {
    // Two tabs never send the same file at once: the second one finds it stored.
    return navigator.locks.request(`sunbid upload ${this.file.tree}`, async () => {
      for (;;) {
        const upload = await this.begin();
        try {
          await this.send(upload);
          return upload;
        } catch (error) {
          if (!(error instanceof Begun)) throw error;
        }
      }
    });
  }

  private async send(upload: BegunUpload): Promise<void> {
    const missing = this.stored.flatMap((is, at) => (is ? [] : [at]));
    const worker = async (): Promise<void> => {
      for (let at = missing.shift(); at !== undefined; at = missing.shift()) await this.sendPart(upload, at);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    const seen = await this.attempt(() => this.look(upload));
    if (!seen.complete) throw new Begun();
    this.isDone = true;
    this.changed();
  }

  /** The upload that was begun before and what of it is stored, or a new one. */
  private async begin(): Promise<BegunUpload> {
    const known = await get("uploads", this.file.tree);
    if (known !== undefined) {
      try {
        this.stored = (await this.attempt(() => this.look(known))).stored;
        this.changed();
        return known;
      } catch (error) {
        if (!(error instanceof Begun)) throw error;
        await remove("uploads", this.file.tree);
      }
    }
    const { size, tree, parts } = this.file;
    const made = await this.attempt(() =>
      ask<{ upload: string; secret: string }>(this.csrf, "POST", "/api/v1/uploads", { size, tree, parts }),
    );
    const upload = { tree, ...made };
    await save("uploads", upload);
    this.stored = parts.map(() => false);
    this.changed();
    return upload;
  }

  private look(upload: BegunUpload): Promise<UploadView> {
    return ask<UploadView>(this.csrf, "GET", `/api/v1/uploads/${upload.upload}`, undefined, { "upload-secret": upload.secret });
  }

  private async sendPart(upload: BegunUpload, at: number): Promise<void> {
    const content = await this.read(at);
    const hash = await partHash(content);
    if (hash !== this.file.parts[at]) throw this.stop("changed", 0, `part ${at}`);
    await this.attempt(() => this.put(upload, at, content, hash));
    this.moving.delete(at);
    this.stored[at] = true;
    this.changed();
  }

  private async read(at: number): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return new Uint8Array(await this.source.slice(at * PART, at * PART + this.length(at)).arrayBuffer());
    } catch (error) {
      // The file was changed or taken away since it was picked.
      throw this.stop("changed", 0, error instanceof Error ? error.message : "");
    }
  }

  private put(upload: BegunUpload, at: number, content: Uint8Array<ArrayBuffer>, hash: string): Promise<void> {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      let silent = setTimeout(() => request.abort(), SILENCE_MS);
      request.open("PUT", `/api/v1/uploads/${upload.upload}/parts/${at}`);
      const headers = { "content-type": "application/octet-stream", "part-hash": hash, "upload-secret": upload.secret, "x-csrf-token": this.csrf };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        clearTimeout(silent);
        silent = setTimeout(() => request.abort(), SILENCE_MS);
        this.moving.set(at, event.loaded);
        this.changed();
      };
      const lost = (): void => {
        clearTimeout(silent);
        this.moving.delete(at);
        failed(new ApiProblem(0, "offline", "offline"));
      };
      request.onerror = lost;
      request.onabort = lost;
      request.onload = () => {
        clearTimeout(silent);
        if (request.status >= 200 && request.status < 300) done();
        else {
          this.moving.delete(at);
          failed(problemOf(request.status, request.responseText, request.getResponseHeader("retry-after")));
        }
      };
      request.send(content);
    });
  }

  /** Tries until it works; waits twice as long each time, and not at all once the network is back. */
  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      await this.unpaused();
      try {
        const found = await work();
        if (this.trouble !== null) {
          this.trouble = null;
          this.changed();
        }
        return found;
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        if (error.code === "unknown-upload") throw new Begun();
        const kind = kindOf(error);
        if (!AGAIN.has(kind)) throw this.stop(kind, error.status, error.message);
        const seconds = error.retryAfter ?? Math.min(LONGEST_WAIT_S, 2 ** (tries - 1));
        this.trouble = { kind, status: error.status, why: error.message, tries, seconds };
        this.changed();
        // A little apart, so that a thousand browsers do not come back in the same instant.
        await this.sleep(seconds * (750 + Math.random() * 500));
      }
    }
  }

  private stop(kind: Kind, status: number, why: string): Stopped {
    this.trouble = { kind, status, why, tries: 1, seconds: null };
    return new Stopped(this.trouble);
  }

  private async unpaused(): Promise<void> {
    while (this.isPaused) await this.sleep(3_600_000);
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      const end = (): void => {
        clearTimeout(timer);
        this.sleepers.delete(end);
        done();
      };
      const timer = setTimeout(end, ms);
      this.sleepers.add(end);
    });
  }

  private length(at: number): number {
    return Math.min(PART, this.file.size - at * PART);
  }
}
