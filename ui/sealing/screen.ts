// The one screen of the frame: shows a step, moves the focus there, and tells how high it is.
import { button, el } from "./dom";
import { Refused } from "./refused";
import type { Speech } from "./words";

export class Screen {
  private readonly root = document.querySelector("main") as HTMLElement;

  constructor(
    readonly speech: Speech,
    tellHeight: (px: number) => void,
  ) {
    document.documentElement.lang = speech.language === "zh" ? "zh-CN" : "en";
    document.title = speech.say("title");
    new ResizeObserver(() => tellHeight(Math.ceil(document.documentElement.getBoundingClientRect().height))).observe(document.documentElement);
  }

  /** Shows a step; a reader is led to its heading. */
  show(title: string, caption: string | null, ...content: (Node | null)[]): void {
    const heading = el("h2", { tabindex: "-1" }, title);
    const head = el("div", { class: "section-head" }, heading, caption === null ? null : el("p", {}, caption));
    this.root.replaceChildren(head, el("div", { class: "stack" }, ...content));
    heading.focus({ preventScroll: true });
  }

  /** Nothing is asked of the person. */
  rest(): void {
    this.root.replaceChildren(el("p", { class: "caption" }, this.speech.say("quiet")));
  }

  problem(error: unknown): void {
    const { code, message } = problemOf(error);
    this.show(this.speech.refused(code), null, el("div", { class: "note", "data-state": "bad", role: "alert" }, el("p", { lang: "en" }, message), el("p", { class: "digest" }, code)));
  }

  caption(step: number, of: number): string {
    return this.speech.say("step", { n: step, of });
  }

  /**
   * Shows a step with its buttons and waits: `ready` gives the step's value, or the words that say what
   * is missing. Rejects when the person cancels. `next` is the button's words, or a place with it.
   */
  ask<T>(title: string, caption: string | null, content: (Node | null)[], next: string | HTMLElement, ready: () => T | Promise<T>, more: Node[] = []): Promise<T> {
    const fault = el("p", { class: "note", "data-state": "bad", role: "alert", hidden: true });
    return new Promise((done, stopped) => {
      const go = async (): Promise<void> => {
        fault.hidden = true;
        try {
          done(await ready());
        } catch (error) {
          const { code, message } = problemOf(error);
          fault.textContent = code === "not-yet" ? message : `${this.speech.refused(code)} (${message})`;
          fault.hidden = false;
        }
      };
      const cancel = button(this.speech.say("cancel"), () => stopped(new Refused("cancelled", this.speech.say("cancelled"))), "quiet");
      const form = el("form", { class: "stack", novalidate: true }, ...content, fault, el("p", { class: "row" }, typeof next === "string" ? el("button", { class: "button", "data-kind": "primary" }, next) : next, ...more, cancel));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        void go();
      });
      this.show(title, caption, form);
    });
  }
}

/** What a person has not done yet in a step. */
export const notYet = (message: string): Refused => new Refused("not-yet", message);

export const problemOf = (error: unknown): { code: string; message: string } => ({
  code: error instanceof Refused ? error.code : "fault",
  message: error instanceof Error ? error.message : String(error),
});
