// The sealing frame: shakes hands with the one page that may speak to it, then does what it asks.
import { forgetFlow } from "./flow-forget";
import { releaseFlow, rehearseFlow } from "./flow-open";
import { sealFlow, showDone } from "./flow-seal";
import { filesOf, find, stateOf } from "./keeping";
import type { Answer, Answers, Asked, Handshake, Language, Notice, Request } from "./protocol";
import { PROTOCOL, VERSION } from "./protocol";
import { Refused } from "./refused";
import { Screen, problemOf } from "./screen";
import { Speech } from "./words";

// Written by the server: nobody else's messages are read, and nobody else may show this page.
const platform = document.querySelector<HTMLMetaElement>('meta[name="platform"]')?.content ?? "";

const isAsked = (value: unknown): value is Asked => Number.isSafeInteger((value as Asked | null)?.id) && typeof (value as Asked).verb === "string";

class Session {
  private readonly screen: Screen;
  private busy = false;

  constructor(
    private readonly port: MessagePort,
    language: Language,
  ) {
    this.screen = new Screen(new Speech(language), (px) => this.tell({ notice: "height", px }));
    this.screen.rest();
    port.onmessage = (event: MessageEvent<unknown>) => {
      // What is no request at all has no number to be answered by.
      if (isAsked(event.data)) void this.take(event.data);
    };
  }

  private readonly tell = (notice: Notice): void => this.port.postMessage(notice);

  private async take(asked: Asked): Promise<void> {
    let answer: Answer;
    try {
      answer = { id: asked.id, ok: true, value: await this.answer(asked) };
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code === "cancelled") this.screen.rest();
      else if (problem.code !== "busy") this.screen.problem(error);
      answer = { id: asked.id, ok: false, problem };
    }
    this.port.postMessage(answer);
  }

  private async answer(request: Request): Promise<Answers[Request["verb"]]> {
    switch (request.verb) {
      case "state":
        return stateOf(request.lot);
      case "files":
        return this.files(request.lot);
      case "seal":
        return this.alone(() => sealFlow(this.screen, request, this.tell));
      case "rehearse":
        return this.alone(() => rehearseFlow(this.screen, request, this.tell));
      case "release":
        return this.alone(() => releaseFlow(this.screen, request));
      case "forget":
        return this.alone(() => forgetFlow(this.screen, request));
      default:
        throw new Refused("E_FIELD", "expected a verb of version 1; load the page again");
    }
  }

  private async files(lot: string): Promise<Answers["files"]> {
    const bid = await find("bids", lot);
    if (bid === undefined) return null;
    if (!this.busy) await showDone(this.screen, bid, this.tell);
    return { lot, manifest: bid.manifest, files: await filesOf(bid) };
  }

  /** The person does one thing at a time. */
  private async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy) throw new Refused("busy", "the sealing frame is already asked for something; finish or cancel that");
    this.busy = true;
    try {
      return await work();
    } finally {
      this.busy = false;
    }
  }
}

// One for the life of the frame: two could draw over each other what the person is asked.
let session: Session | null = null;

const ready = (): void => window.parent.postMessage({ sunbid: PROTOCOL, v: VERSION, verb: "ready" } satisfies Handshake, platform);

window.addEventListener("message", (event: MessageEvent<Partial<Handshake> | null>) => {
  if (event.source !== window.parent || event.origin !== platform) return;
  const message = event.data;
  if (message?.sunbid !== PROTOCOL || message.v !== VERSION) return;
  if (message.verb === "knock") ready();
  const [port] = event.ports;
  if (message.verb === "hello" && port !== undefined && session === null) {
    session = new Session(port, (message as { language?: unknown }).language === "en" ? "en" : "zh");
  }
});

// A page of its own shows nothing: it is of use only inside the platform's page.
if (window.parent !== window && platform !== "") ready();
