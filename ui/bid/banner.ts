// The status line as the script shows it: one of the states, with a title, a sentence, a way on.
import type { Place } from "./place";
import { part } from "./place";

export type BannerState = "sent" | "stale" | "unsent" | "unknown";

const ICONS: Record<BannerState, string> = { sent: "i-done", stale: "i-half", unsent: "i-cross", unknown: "i-ring" };

export interface Way {
  label: string;
  href?: string;
  press?: () => void;
  primary?: boolean;
}

export function showBanner(place: Place, state: BannerState, title: string, text: string, ways: Way[] = []): void {
  const banner = part(place.element, ".banner");
  const head = banner === null ? null : part(banner, "h2");
  const line = banner === null ? null : part(banner, "p");
  if (banner === null || head === null || line === null) return;
  banner.dataset.state = state;
  const icon = part(banner, ".icon");
  if (icon !== null) icon.className = `icon ${ICONS[state]}`;
  if (head.textContent !== title) head.textContent = title;
  if (line.textContent !== text) line.textContent = text;
  banner.querySelector(".row")?.remove();
  if (ways.length === 0) return;
  const row = document.createElement("div");
  row.className = "row";
  row.append(...ways.map(wayOn));
  banner.append(row);
}

function wayOn(way: Way): HTMLElement {
  const made = document.createElement(way.href === undefined ? "button" : "a");
  made.className = "button";
  made.textContent = way.label;
  if (way.primary) made.dataset.kind = "primary";
  if (made instanceof HTMLAnchorElement) made.href = way.href ?? "";
  else {
    made.setAttribute("type", "button");
    made.addEventListener("click", () => way.press?.());
  }
  return made;
}
