// The public clock: counts on from the server's time with the page's monotonic clock.
// `factor` is how many times faster than real time the platform's clock runs (1 outside a demonstration).

interface Reading {
  platform: number;
  factor: number;
  at: number;
  offBy: number;
}

interface TimeAnswer {
  platform: string;
  factor: number;
}

const RESYNC_MS = 60_000;
const RESYNC_DEMO_MS = 10_000;
let reading: Reading | null = null;

/** The platform's time now, in milliseconds of the epoch. */
export function platformNow(): number {
  if (reading === null) return Date.now();
  return reading.platform + (performance.now() - reading.at) * reading.factor;
}

function fromPage(clock: HTMLElement): Reading | null {
  const platform = Date.parse(clock.dataset.now ?? "");
  if (Number.isNaN(platform)) return null;
  return { platform, factor: Number(clock.dataset.factor ?? "1"), at: performance.now(), offBy: 0 };
}

async function askServer(address: string): Promise<void> {
  const sent = performance.now();
  const answer = await fetch(address, { headers: { accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) return;
  const arrived = performance.now();
  const time = timeIn(await answer.json());
  if (time === null) return;
  const half = (arrived - sent) / 2;
  reading = {
    platform: Date.parse(time.platform) + half * time.factor,
    factor: time.factor,
    at: arrived,
    offBy: Math.ceil(half * time.factor),
  };
}

// The address answers with a signed statement; its body holds the two times.
function timeIn(answer: unknown): TimeAnswer | null {
  const outer = answer as { body?: unknown; statement?: { body?: unknown } };
  const found = (outer.statement?.body ?? outer.body ?? answer) as Partial<TimeAnswer>;
  if (typeof found.platform !== "string") return null;
  return { platform: found.platform, factor: Number(found.factor ?? 1) };
}

function beijing(at: number): Date {
  return new Date(at + 8 * 3_600_000);
}

function paint(clock: HTMLElement): void {
  const now = beijing(platformNow());
  clock.textContent = now.toISOString().slice(11, 19);
  const day = (now.getUTCHours() * 3600 + now.getUTCMinutes() * 60 + now.getUTCSeconds()) / 864;
  document.querySelector<HTMLElement>(".ruler")?.style.setProperty("--day", String(day));
  const offBy = document.querySelector<HTMLElement>("[data-off-by]");
  if (offBy !== null && reading !== null && reading.offBy > 0) {
    const inSeconds = reading.offBy >= 1000;
    const text = (inSeconds ? offBy.dataset.offBySeconds : offBy.dataset.offBy) ?? "";
    const amount = inSeconds ? (reading.offBy / 1000).toFixed(1) : String(reading.offBy);
    offBy.textContent = text.replace("{amount}", amount);
  }
}

export function startClock(): void {
  const clock = document.querySelector<HTMLElement>("[data-clock-now]");
  if (clock === null) return;
  reading = fromPage(clock);
  if (reading === null) return;
  const address = clock.dataset.clockNow ?? "";
  const sync = (): void => {
    askServer(address).catch(() => undefined);
  };
  sync();
  setInterval(sync, reading.factor === 1 ? RESYNC_MS : RESYNC_DEMO_MS);
  window.addEventListener("focus", sync);
  paint(clock);
  setInterval(() => paint(clock), 200);
}
