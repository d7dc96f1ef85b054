// Deadlines count down by the server's time. When one is over the server is asked; the page never
// decides by itself that something is closed.
import { platformNow } from "./clock";

const ANNOUNCE_MINUTES = [60, 30, 10, 5, 1];
const ASK_AGAIN_MS = 4_000;

interface Parts {
  d: number;
  h: number;
  m: number;
  s: number;
}

function partsOf(left: number): Parts {
  const seconds = Math.max(0, Math.floor(left / 1000));
  return {
    d: Math.floor(seconds / 86_400),
    h: Math.floor(seconds / 3600) % 24,
    m: Math.floor(seconds / 60) % 60,
    s: seconds % 60,
  };
}

function paint(timer: HTMLElement, left: number): void {
  for (const [unit, value] of Object.entries(partsOf(left))) {
    const shown = timer.querySelector<HTMLElement>(`[data-unit="${unit}"]`);
    if (shown !== null) shown.textContent = String(value);
  }
}

function announce(timer: HTMLElement, minutes: number): void {
  const voice = document.getElementById("voice");
  if (voice !== null) voice.textContent = (timer.dataset.say ?? "").replace("{minutes}", String(minutes));
}

async function hasChanged(before: string): Promise<boolean> {
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
  if (!answer.ok) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  return fresh.querySelector("[data-closes]")?.getAttribute("data-closes") !== before;
}

function watch(timer: HTMLElement): void {
  const closes = Date.parse(timer.dataset.closes ?? "");
  if (Number.isNaN(closes)) return;
  let previous = closes - platformNow();
  let asking = false;
  const beat = setInterval(() => {
    // The hall fetches itself anew; its old deadline has nothing more to say.
    if (!timer.isConnected) {
      clearInterval(beat);
      return;
    }
    const left = closes - platformNow();
    paint(timer, left);
    for (const minutes of ANNOUNCE_MINUTES) {
      const mark = minutes * 60_000;
      if (previous > mark && left <= mark) announce(timer, minutes);
    }
    previous = left;
    // A hall hears from the server when something is over; what is typed there must not be lost.
    if (left > 0 || asking || timer.closest("[data-events]") !== null) return;
    asking = true;
    hasChanged(timer.dataset.closes ?? "")
      .then((changed) => {
        if (!changed) return;
        clearInterval(beat);
        location.reload();
      })
      .catch(() => undefined)
      .finally(() => setTimeout(() => { asking = false; }, ASK_AGAIN_MS));
  }, 250);
}

export function startCountdowns(): void {
  document.querySelectorAll<HTMLElement>("[data-closes]:not([data-watched])").forEach((timer) => {
    timer.dataset.watched = "";
    watch(timer);
  });
}
