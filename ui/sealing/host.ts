// The platform's side of the sealing frame: finds it, shakes hands, asks and is answered.
import type { Answer, Answers, Asked, Handshake, Language, Notice, Problem, Request } from "./protocol";
import { PROTOCOL, VERSION } from "./protocol";

export class FrameRefused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

interface Waiting {
  done: (value: never) => void;
  refused: (reason: FrameRefused) => void;
}

export class SealFrame {
  private last = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners: ((notice: Notice) => void)[] = [];

  private constructor(private readonly port: MessagePort) {
    port.onmessage = (event: MessageEvent<Answer | Notice>) => this.take(event.data);
  }

  /** The frame in an `<iframe>` whose `src` names the seal origin; resolves after the handshake. */
  static connect(element: HTMLIFrameElement, language: Language): Promise<SealFrame> {
    const origin = new URL(element.src, location.href).origin;
    const say = (message: Handshake, ports: MessagePort[] = []): void =>
      element.contentWindow?.postMessage(message, origin, ports);
    return new Promise((connected) => {
      const listen = (event: MessageEvent<Partial<Handshake>>): void => {
        if (event.source !== element.contentWindow || event.origin !== origin) return;
        if (event.data.sunbid !== PROTOCOL || event.data.v !== VERSION || event.data.verb !== "ready") return;
        removeEventListener("message", listen);
        const channel = new MessageChannel();
        say({ sunbid: PROTOCOL, v: VERSION, verb: "hello", language }, [channel.port2]);
        connected(new SealFrame(channel.port1));
      };
      addEventListener("message", listen);
      // Whichever of the two stands first: the frame calls when it is ready, and answers a knock.
      const knock = (): void => say({ sunbid: PROTOCOL, v: VERSION, verb: "knock" });
      element.addEventListener("load", knock);
      knock();
    });
  }

  /** Asks; refuses with `FrameRefused`, whose problem says why (`cancelled` when the person stopped). */
  ask<Asking extends Request>(request: Asking): Promise<Answers[Asking["verb"]]> {
    this.last += 1;
    const asked: Asked = { ...request, id: this.last };
    return new Promise((done, refused) => {
      this.waiting.set(asked.id, { done: done as Waiting["done"], refused });
      this.port.postMessage(asked);
    });
  }

  /** Tells of everything the frame says by itself. */
  listen(listener: (notice: Notice) => void): void {
    this.listeners.push(listener);
  }

  private take(message: Answer | Notice): void {
    if ("notice" in message) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.ok) waiting?.done(message.value as never);
    else waiting?.refused(new FrameRefused(message.problem));
  }
}
