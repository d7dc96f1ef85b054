// What this computer can do, tried now: browser, secure context, room, clock, speed of the line.
import { ApiProblem, ask } from "./api";
import type { Place } from "./place";
import { bytes, part, say, span } from "./place";

const PROBE = 512 * 1024;
const ROOM_FOR = 10_000_000_000;
const CLOCK_OFF_MS = 2_000;

interface Line {
  name: string;
  isGood: boolean;
  text: string;
}

export function startSelfCheck(place: Place, page: HTMLElement): void {
  const button = part<HTMLButtonElement>(page, "[data-run-check]");
  const list = part(page, "[data-check-lines]");
  if (button === null || list === null) return;
  button.addEventListener("click", () => {
    button.disabled = true;
    list.replaceChildren();
    const add = (line: Line): void => {
      const item = document.createElement("li");
      const mark = document.createElement("i");
      mark.className = `icon ${line.isGood ? "i-done ok-text" : "i-warn warn-text"}`;
      mark.setAttribute("aria-hidden", "true");
      item.append(mark, ` ${say(place.words, line.name)}：${line.text}`);
      list.append(item);
    };
    void (async () => {
      for (const check of [browser, secure, room, clock, speed]) add(await check(place));
      button.disabled = false;
    })();
  });
}

async function browser({ words }: Place): Promise<Line> {
  const wanted: [string, boolean][] = [
    ["WebCrypto", globalThis.crypto?.subtle !== undefined],
    ["Worker", typeof Worker === "function"],
    ["IndexedDB", typeof indexedDB === "object"],
    ["OPFS", typeof navigator.storage?.getDirectory === "function"],
    ["Web Locks", navigator.locks !== undefined],
  ];
  const what = wanted.filter(([, is]) => !is).map(([name]) => name).join(", ");
  return { name: "check_browser", isGood: what === "", text: say(words, what === "" ? "check_browser_ok" : "check_browser_bad", { what }) };
}

async function secure({ words }: Place): Promise<Line> {
  return { name: "check_secure", isGood: isSecureContext, text: say(words, isSecureContext ? "check_secure_ok" : "check_secure_bad") };
}

async function room({ words }: Place): Promise<Line> {
  const { quota, usage } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  if (quota === undefined) return { name: "check_room", isGood: true, text: say(words, "check_room_unknown") };
  const free = quota - (usage ?? 0);
  const isGood = free >= ROOM_FOR;
  return { name: "check_room", isGood, text: say(words, isGood ? "check_room_ok" : "check_room_bad", { room: bytes(free) }) };
}

async function clock({ words, csrf }: Place): Promise<Line> {
  try {
    const sent = Date.now();
    const answer = await ask<{ real: string }>(csrf, "GET", "/api/v1/time");
    const off = Math.round(Math.abs(Date.parse(answer.real) - (sent + Date.now()) / 2));
    const isGood = off < CLOCK_OFF_MS;
    const text = isGood ? say(words, "check_clock_ok", { ms: off }) : say(words, "check_clock_off", { seconds: Math.round(off / 1000) });
    return { name: "check_clock", isGood, text };
  } catch (error) {
    return { name: "check_clock", isGood: false, text: error instanceof ApiProblem ? error.message : String(error) };
  }
}

async function speed({ words, csrf }: Place): Promise<Line> {
  try {
    const begun = performance.now();
    const answer = await fetch("/api/v1/upload-speed", {
      method: "POST",
      headers: { "x-csrf-token": csrf, "content-type": "application/octet-stream" },
      body: noise(),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const rate = (PROBE / (performance.now() - begun)) * 1000;
    return { name: "check_speed", isGood: true, text: say(words, "check_speed_ok", { speed: `${bytes(rate)}/s`, time: span(words, 1e9 / rate) }) };
  } catch (error) {
    return { name: "check_speed", isGood: false, text: say(words, "check_speed_bad", { why: error instanceof Error ? error.message : "" }) };
  }
}

/** Bytes that no proxy can make smaller. */
function noise(): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(PROBE);
  for (let at = 0; at < PROBE; at += 65_536) crypto.getRandomValues(made.subarray(at, at + 65_536));
  return made;
}
