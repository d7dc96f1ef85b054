// Where a bidder's page stands: the lot, the bidder, what the server knows, and the page's words.
export type Words = Record<string, string>;

export interface Place {
  element: HTMLElement;
  lot: string;
  uscc: string;
  name: string;
  mandate: string | null;
  nextSeq: number;
  prev: string | null;
  finalSeq: number | null;
  finalSid: string | null;
  isBid: boolean;
  receipt: string | null;
  waiting: string | null;
  isOpen: boolean;
  csrf: string;
  words: Words;
}

const orNull = (text: string | undefined): string | null => (text === undefined || text === "" ? null : text);

/** The place of a page with a status line; null on every other page. */
export function placeOf(element: HTMLElement | null): Place | null {
  if (element === null) return null;
  const data = element.dataset;
  return {
    element,
    lot: data.lot ?? "",
    uscc: data.uscc ?? "",
    name: data.name ?? "",
    mandate: orNull(data.mandate),
    nextSeq: Number(data.nextSeq),
    prev: orNull(data.prev),
    finalSeq: data.finalSeq ? Number(data.finalSeq) : null,
    finalSid: orNull(data.finalSid),
    isBid: data.isBid !== undefined,
    receipt: orNull(data.receipt),
    waiting: orNull(data.waiting),
    isOpen: data.open !== undefined,
    csrf: data.csrf ?? "",
    words: JSON.parse(data.words ?? "{}") as Words,
  };
}

/** A sentence of the page with its values. */
export function say(words: Words, key: string, values: Record<string, string | number> = {}): string {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A size as file managers show it. */
export function bytes(size: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let amount = size;
  let unit = 0;
  while (amount >= 1000 && unit + 1 < units.length) {
    amount /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : amount >= 10 ? 1 : 2;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}

/** A length of time in its two largest units. */
export function span(words: Words, seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  if (left >= 3600) return say(words, "hours", { h: Math.floor(left / 3600), m: Math.floor((left % 3600) / 60) });
  if (left >= 60) return say(words, "minutes", { m: Math.floor(left / 60), s: left % 60 });
  return say(words, "seconds", { s: left });
}

/** A time of a statement in Beijing time. */
export function clockOf(at: string): string {
  return new Date(Date.parse(at) + 8 * 3_600_000).toISOString().slice(0, 23).replace("T", " ");
}

export function part<T extends HTMLElement = HTMLElement>(within: ParentNode, selector: string): T | null {
  return within.querySelector<T>(selector);
}

/** Puts a text into a place and shows it; without a text hides the place. */
export function put(place: HTMLElement | null, text: string | null): void {
  if (place === null) return;
  place.hidden = text === null;
  if (text !== null && place.textContent !== text) place.textContent = text;
}
