// The worker as the frame uses it: one piece of work, its progress with speed and time left, pause.
import type { Progress } from "./protocol";
import { Refused } from "./refused";
import type { RehearseWork, Report, SealWork, Work } from "./work";

type Finished = Exclude<Report, { said: "progress" | "failed" }>;

/** Speed and time left, smoothed, from what the worker says. */
class Pace {
  private last = { at: performance.now(), done: 0, overall: 0, key: "" };
  private speed = 0;
  private share = 0;

  take(report: Extract<Report, { said: "progress" }>, paused: boolean): Progress {
    const now = performance.now();
    const key = `${report.volume} ${report.phase}`;
    const passed = Math.max(1, now - this.last.at) / 1000;
    const smooth = (before: number, value: number): number => (before === 0 ? value : before * 0.7 + value * 0.3);
    if (key === this.last.key) {
      this.speed = smooth(this.speed, (report.done - this.last.done) / passed);
      this.share = smooth(this.share, (report.overall - this.last.overall) / passed);
    }
    this.last = { at: now, done: report.done, overall: report.overall, key };
    const { volume, phase, done, total, overall } = report;
    return {
      notice: "progress", volume, phase, done, total, overall, paused,
      bytes_per_second: Math.round(this.speed),
      seconds_left: this.share > 0 ? (1 - overall) / this.share : null,
    };
  }
}

export class Labour {
  private readonly worker = new Worker("/worker.js", { type: "module" });
  private readonly pace = new Pace();
  private paused = false;
  private latest: Progress | null = null;

  constructor(private readonly progress: (progress: Progress) => void) {}

  /** Does the work; whatever comes of it, the worker and all it held in memory end with it. */
  do(work: SealWork | RehearseWork): Promise<Finished> {
    return new Promise<Finished>((done, failed) => {
      this.worker.onmessage = (event: MessageEvent<Report>) => {
        const report = event.data;
        if (report.said === "progress") this.tell(this.pace.take(report, this.paused));
        else if (report.said === "failed") failed(new Refused(report.code, report.message));
        else done(report);
      };
      this.worker.onerror = (event) => failed(new Refused("fault", event.message));
      this.say(work);
    }).finally(() => this.worker.terminate());
  }

  toggle(): boolean {
    this.paused = !this.paused;
    this.say({ do: this.paused ? "pause" : "resume" });
    if (this.latest !== null) this.tell({ ...this.latest, paused: this.paused });
    return this.paused;
  }

  private say(work: Work): void {
    this.worker.postMessage(work);
  }

  private tell(progress: Progress): void {
    this.latest = progress;
    this.progress(progress);
  }
}
