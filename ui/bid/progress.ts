// The four phases as the page shows them: read, seal, upload, check.
import type { Words } from "./place";
import { say } from "./place";

export const PHASES = ["read", "seal", "upload", "check"] as const;
export type PhaseName = (typeof PHASES)[number];

export interface Standing {
  phase: PhaseName;
  /** Percent of this phase. */
  percent: number;
  isBad?: boolean;
}

/** Draws the bar; `null` where all four are done. */
export function drawPhases(list: HTMLElement, words: Words, standing: Standing | null): void {
  while (list.children.length < PHASES.length) list.append(document.createElement("li"));
  const now = standing === null ? PHASES.length : PHASES.indexOf(standing.phase);
  PHASES.forEach((phase, place) => {
    const line = list.children[place] as HTMLElement;
    const name = say(words, `phase_${phase}`);
    const isNow = place === now && standing !== null;
    if (place < now) line.dataset.state = "ok";
    else if (isNow) line.dataset.state = standing.isBad ? "bad" : "now";
    else delete line.dataset.state;
    line.style.setProperty("--done", String(isNow ? standing.percent : 0));
    const text = isNow ? `${name} ${standing.percent}%` : place < now ? `${name} 100%` : name;
    if (line.textContent !== text) line.textContent = text;
  });
}
