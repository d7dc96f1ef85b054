// Putting the sealing frame into a page: its height follows its content, its absence is said.
import { SealFrame } from "../sealing/host";
import type { Language } from "../sealing/protocol";

const PATIENCE_MS = 20_000;

export class NoFrame extends Error {}

/** Opens the frame in a place of the page; refuses with `NoFrame` where it does not answer. */
export async function openFrame(place: HTMLElement, origin: string): Promise<SealFrame> {
  const element = document.createElement("iframe");
  element.src = `${origin.replace(/\/$/, "")}/`;
  element.title = place.dataset.title ?? "";
  element.width = "100%";
  element.height = "420";
  place.replaceChildren(element);
  const language: Language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const late = new Promise<never>((_, failed) => {
    setTimeout(() => failed(new NoFrame(new URL(element.src).host)), PATIENCE_MS);
  });
  const frame = await Promise.race([SealFrame.connect(element, language), late]);
  frame.listen((notice) => {
    if (notice.notice === "height") element.height = String(Math.ceil(notice.px));
  });
  return frame;
}
