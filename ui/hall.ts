// The opening hall: the server tells of each step, and the page then fetches itself anew.
import { startCountdowns } from "./countdown";

type Htmx = typeof import("htmx.org").default;

const SOON_MS = 150;

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
    waiting = setTimeout(() => {
      const anew = { target: "#hall", select: "#hall", swap: "outerHTML" };
      void htmx.ajax("GET", location.href, anew).then(startCountdowns);
    }, SOON_MS);
  };
  source.addEventListener("open", heard);
  source.addEventListener("tick", heard);
  source.addEventListener("step", refresh);
  source.addEventListener("message", refresh);
  setInterval(() => {
    const state = document.querySelector<HTMLElement>("[data-contact]");
    if (state === null) return;
    const seconds = Math.round((Date.now() - last) / 1000);
    state.textContent = (state.dataset.contact ?? "").replace("{seconds}", String(seconds));
  }, 1000);
}
