// The opening hall: the server tells of each step, and the page then fetches itself anew.
import { startCountdowns } from "./countdown";
import { keepTyped } from "./typed";

type Htmx = typeof import("htmx.org").default;

const SOON_MS = 150;

/** How far the files are decrypted: numbers alone, no part of what is in them. */
function paintProgress(told: Record<string, string | number>): void {
  const card = document.getElementById("unsealing");
  if (card === null) return;
  const percent = card.querySelector<HTMLElement>("[data-percent]");
  if (percent !== null) percent.textContent = String(told.percent);
  card.querySelector<HTMLElement>("[data-at]")?.setAttribute("data-at", String(told.percent));
  card.querySelectorAll<HTMLElement>("[data-say]").forEach((line) => {
    line.textContent = (line.dataset.say ?? "").replace(/\{(\w+)\}/g, (_, name: string) => String(told[name]));
  });
}

async function fetchAnew(htmx: Htmx): Promise<void> {
  const before = document.getElementById("hall");
  if (before === null) return;
  let typeIn = keepTyped(before);
  // What is typed until the answer is here counts too.
  before.addEventListener("htmx:beforeSwap", () => { typeIn = keepTyped(before); });
  await htmx.ajax("GET", location.href, { target: "#hall", select: "#hall", swap: "outerHTML" });
  const fresh = document.getElementById("hall");
  if (fresh !== null) typeIn(fresh);
  startCountdowns();
}

export function startHall(htmx: Htmx): void {
  const hall = document.querySelector<HTMLElement>("[data-events]");
  if (hall === null || hall.dataset.events === undefined) return;
  const source = new EventSource(hall.dataset.events);
  let last = Date.now();
  let waiting: ReturnType<typeof setTimeout> | undefined;

  const heard = (): void => {
    last = Date.now();
  };
  const refresh = (): void => {
    heard();
    clearTimeout(waiting);
    waiting = setTimeout(() => void fetchAnew(htmx), SOON_MS);
  };
  source.addEventListener("open", heard);
  source.addEventListener("tick", heard);
  source.addEventListener("step", refresh);
  source.addEventListener("message", refresh);
  source.addEventListener("progress", (event: MessageEvent<string>) => {
    heard();
    paintProgress(JSON.parse(event.data) as Record<string, string | number>);
  });
  setInterval(() => {
    const state = document.querySelector<HTMLElement>("[data-contact]");
    if (state === null) return;
    const seconds = Math.round((Date.now() - last) / 1000);
    state.textContent = (state.dataset.contact ?? "").replace("{seconds}", String(seconds));
  }, 1000);
}
