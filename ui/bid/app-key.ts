// The licence app makes the opening key of a lot; the page hands its public half to the frame.
import type { AppKey } from "../sealing/protocol";
import { ApiProblem, ask } from "./api";
import type { Place } from "./place";
import { part, say } from "./place";

const POLL_MS = 1_500;

interface Begun {
  ticket: string;
  consent_url: string | null;
  qr: string | null;
}

interface State {
  state: "pending" | "declined" | "expired" | "none" | "ready";
  kid: string | null;
  pk: string | null;
}

/** Watches the section that asks for the key; `found` is told of it. */
export function startAppKey(place: Place, found: (key: AppKey) => void): void {
  const section = part(document, "[data-app-key]");
  const begin = section === null ? null : part<HTMLButtonElement>(section, "[data-begin-key]");
  if (section === null || begin === null) return;
  const tell = (key: string, values: Record<string, string> = {}): void => {
    const line = part(section, "[data-key-state]");
    if (line !== null) line.textContent = say(place.words, key, values);
  };
  const waitFor = async (begun: Begun): Promise<void> => {
    const path = `/api/v1/lots/${place.lot}/licence-keys/${begun.ticket}`;
    for (;;) {
      const now = await ask<State>(place.csrf, "GET", path);
      if (now.state === "ready" && now.kid !== null && now.pk !== null) {
        found({ kid: now.kid, pk: now.pk });
        tell("app_key_ready", { kid: now.kid });
        show(section, null);
        return;
      }
      tell(`app_key_${now.state}`);
      if (now.state !== "pending") {
        show(section, null);
        begin.disabled = false;
        return;
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  };
  begin.addEventListener("click", () => {
    begin.disabled = true;
    ask<Begun>(place.csrf, "POST", `/api/v1/lots/${place.lot}/licence-keys`)
      .then((begun) => {
        show(section, begun);
        return waitFor(begun);
      })
      .catch((error: unknown) => {
        begin.disabled = false;
        tell("app_key_away", { why: error instanceof ApiProblem ? error.message : String(error) });
      });
  });
}

function show(section: HTMLElement, begun: Begun | null): void {
  const open = part<HTMLAnchorElement>(section, "[data-open-key]");
  const code = part(section, "[data-key-code]");
  if (open !== null) {
    open.hidden = begun?.consent_url == null;
    if (begun?.consent_url != null) open.href = begun.consent_url;
  }
  if (code !== null) {
    code.hidden = begun?.qr == null;
    // Our own server's SVG, read as a document: nothing in it can run.
    const drawn = begun?.qr == null ? null : new DOMParser().parseFromString(begun.qr, "image/svg+xml").documentElement;
    code.replaceChildren(...(drawn === null ? [] : [document.importNode(drawn, true)]));
  }
}
