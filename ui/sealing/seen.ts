// A page that shows the frame could cover it, or make it transparent, and lead a person's click to a
// button that they do not see. What cannot be taken back works only while it is seen whole.
import { el } from "./dom";
import type { Speech } from "./words";

const DELAY_MS = 100;

/** Whether this browser tells what is covered; others leave the button as it is. */
const tells = (): boolean => "IntersectionObserverEntry" in globalThis && "isVisible" in IntersectionObserverEntry.prototype;

/** A place with a button that works only while it is shown whole, opaque and uncovered. */
export function seen(made: HTMLButtonElement, speech: Speech): HTMLElement {
  const place = el("span", { class: "seen" }, made);
  if (!tells()) return place;
  const show = (isSeen: boolean): void => {
    made.disabled = !isSeen;
  };
  show(false);
  const options = { threshold: [0, 0.5, 1], trackVisibility: true, delay: DELAY_MS };
  new IntersectionObserver((entries) => {
    const last = entries.at(-1) as IntersectionObserverEntry & { isVisible: boolean };
    show(last.isIntersecting && last.intersectionRatio === 1 && last.isVisible);
  }, options).observe(place);
  // Always there: what appears and goes would move the button beside it under the pointer.
  return el("span", {}, place, " ", el("span", { class: "caption" }, speech.say("seen")));
}
