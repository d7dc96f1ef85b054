// The bidder's part in the hall: its half of the keys by the browser's key or the recovery code.
import { platformNow } from "../clock";
import { FrameRefused } from "../sealing/host";
import { ApiProblem, ask } from "./api";
import { openFrame } from "./frame";
import { clockOf, part, put, say, span } from "./place";
import type { Words } from "./place";

const LOOK_MS = 5_000;

interface OwnHeads {
  stage: number;
  open: boolean;
  heads: { tree: string; volume: string; header: string; wraps: string }[];
  /** What the frame verifies before it gives a half. */
  shown: unknown;
}

export function startRelease(): void {
  const section = part(document, "[data-release]");
  if (section === null) return;
  listen(section);
  // Steps of the opening change this part too; while the frame is at work it stays as it is.
  setInterval(() => void refresh(), LOOK_MS);
}

function listen(section: HTMLElement): void {
  const begin = part<HTMLButtonElement>(section, "[data-release-begin]");
  begin?.addEventListener("click", () => {
    begin.disabled = true;
    void release(section).finally(() => {
      begin.disabled = false;
    });
  });
}

async function refresh(): Promise<void> {
  const section = part(document, "[data-release]");
  if (section === null || section.querySelector("iframe") !== null || section.contains(document.activeElement)) return;
  const answer = await fetch(location.pathname, { headers: { accept: "text/html" } }).catch(() => null);
  if (answer?.ok !== true) return;
  const fresh = part(new DOMParser().parseFromString(await answer.text(), "text/html"), "[data-release]");
  if (fresh === null || fresh.outerHTML === section.outerHTML) return;
  section.replaceWith(document.adoptNode(fresh));
  listen(fresh);
}

async function release(section: HTMLElement): Promise<void> {
  const { lot = "", csrf = "", frame: origin = "" } = section.dataset;
  const words = JSON.parse(section.dataset.words ?? "{}") as Words;
  const line = part(section, "[data-release-state]");
  const where = part(section, "[data-frame-place]");
  if (where === null) return;
  try {
    const own = await ask<OwnHeads>(csrf, "GET", `/api/v1/lots/${lot}/own-heads`);
    const material = await fetch(`/api/v1/lots/${lot}/sealing-material`, { cache: "no-store" });
    const frame = await openFrame(where, origin);
    const heads = own.heads.map(({ tree, header, wraps }) => ({ tree, header, wraps }));
    const { closing, values } = await frame.ask({ verb: "release", material: await material.text(), shown: own.shown, stage: own.stage, heads });
    put(line, say(words, "release_working"));
    const sorted = [...values].sort((a, b) => (a.tree < b.tree ? -1 : 1)).map(({ tree, value }) => ({ tree, value }));
    const statement = { type: "release-b", body: { v: 1, closing, stage: own.stage, values: sorted }, sigs: [] };
    const ack = await ask<{ body: { received: string } }>(csrf, "POST", `/api/v1/lots/${lot}/releases`, { statement });
    put(line, say(words, "release_ok", { at: clockOf(ack.body.received) }));
    where.replaceChildren();
    await refresh();
  } catch (error) {
    put(line, sentence(section, words, error));
  }
}

function sentence(section: HTMLElement, words: Words, error: unknown): string {
  if (error instanceof ApiProblem && error.code === "E_B") {
    const until = Date.parse(section.dataset.until ?? "");
    return say(words, "release_wrong", { time: span(words, (until - platformNow()) / 1000) });
  }
  const why = error instanceof FrameRefused ? error.problem.message : error instanceof Error ? error.message : String(error);
  return say(words, error instanceof FrameRefused ? "frame_refused" : "release_bad", { why });
}
