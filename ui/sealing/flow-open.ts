// Rehearsing and releasing: the bidder's own keys and the recovery code, used inside the frame.
import type { Bytes } from "./bytes";
import { b64, unb64 } from "./bytes";
import { checkOpening, trustOf } from "./closing";
import { codeInput } from "./codes";
import { button, el, icon, tag } from "./dom";
import type { Head } from "./envelope";
import { joinHead } from "./envelope";
import { TRIAL, progressOf } from "./flow-seal";
import { checkContext, find, keptBrowserKey, volumesOf } from "./keeping";
import { Labour } from "./labour";
import { readMaterial } from "./material";
import type { Notice, RehearseRequest, Rehearsed, ReleaseRequest, Released, TreeValue } from "./protocol";
import { readCode, recoveryKey } from "./recovery";
import { Refused } from "./refused";
import type { Screen } from "./screen";
import { seen } from "./seen";
import type { OwnKey } from "./suite";
import { unwrapB } from "./wraps";

export async function rehearseFlow(screen: Screen, request: RehearseRequest, tell: (notice: Notice) => void): Promise<Rehearsed[]> {
  checkContext();
  const { speech } = screen;
  const bid = await find("bids", request.lot);
  if (bid === undefined) throw new Refused("nothing-kept", "this browser keeps no sealed bid of this lot");
  const hasKey = (await find("keys", request.lot)) !== undefined;
  const { field, input } = codeInput(speech.say("with_code"));
  const code = await screen.ask<Bytes | null>(
    speech.say("rehearse_title"),
    null,
    [el("p", {}, speech.say("rehearse_text")), hasKey ? null : el("p", { class: "note", "data-state": "warn" }, speech.say("no_key")), field],
    speech.say("rehearse"),
    () => (input.value.trim() === "" && hasKey ? null : readCode(input.value)),
  );
  const volumes = (await volumesOf(bid)).map((one) => one.volume);
  const shown = progressOf(screen, volumes, bid.titles, TRIAL);
  screen.show(speech.say("rehearse_title"), null, shown.element);
  const labour = new Labour((progress) => {
    shown.update(progress);
    tell(progress);
  });
  const report = await labour.do({ do: "rehearse", lot: request.lot, code });
  const found = report.said === "rehearsed" ? report.found : [];
  const rows = found.map((one) =>
    el("li", { class: "file" }, icon(one.opens ? "check" : "cross"), el("div", {}, el("h3", {}, bid.titles[one.volume] ?? one.volume), el("p", { class: "caption" }, speech.say(`by.${one.by}`)), one.reason === null ? null : el("p", { lang: "en" }, one.reason)), tag(one.opens ? "ok" : "bad", speech.say(one.opens ? "opens" : "fails"))),
  );
  screen.show(speech.say("rehearse_title"), null, el("ul", { class: "list" }, ...rows), el("p", {}, button(speech.say("finish"), () => screen.rest())));
  return found;
}

/** B of the named envelopes, by one click or the typed code; nothing else leaves the frame. */
export async function releaseFlow(screen: Screen, request: ReleaseRequest): Promise<Released> {
  const { speech } = screen;
  const heads = request.heads.map(({ tree, header, wraps }) => ({ tree, head: joinHead(unb64(header), unb64(wraps)) }));
  const lots = new Set(heads.map(({ head }) => head.header.lot));
  const [first] = heads;
  if (first === undefined || lots.size !== 1) throw new Refused("E_FIELD", "expected the envelopes of one lot");
  const { lot } = first.head.header;
  const material = readMaterial(request.material);
  const kept = await find("trusts", first.head.header.opening_keys);
  const asked = { material, shown: request.shown, stage: request.stage, heads };
  const closing = await checkOpening(asked, kept ?? trustOf(material), Date.now());
  // The browser's key answers only to what was kept with it.
  const browser = kept === undefined ? null : await keptBrowserKey(lot).catch(() => null);
  const { field, input } = codeInput(speech.say("code_label"));
  const n = { n: heads.length };
  const values = await new Promise<TreeValue[]>((done, stopped) => {
    const byKey = browser === null ? [] : [seen(button(speech.say("release_key"), () => void unwrapAll(heads, browser).then(done, (error: unknown) => failed(error)), "primary"), speech)];
    const fault = el("p", { class: "note", "data-state": "bad", role: "alert", hidden: true });
    const failed = (error: unknown): void => {
      fault.textContent = `${speech.refused(error instanceof Refused ? error.code : "fault")} (${error instanceof Error ? error.message : String(error)})`;
      fault.hidden = false;
    };
    const content = [
      el("p", {}, speech.say("release_text", n)),
      el("p", { class: "note", "data-state": kept === undefined ? "warn" : "ok" }, speech.say(kept === undefined ? "closing_shown" : "closing_ok")),
      byKey.length > 0 ? el("p", { class: "row" }, ...byKey) : el("p", { class: "note", "data-state": "warn" }, speech.say("no_key")),
      fault,
      field,
    ];
    screen
      .ask(speech.say("release_title"), null, content, speech.say("release_code"), () => unwrapAll(heads, recoveryKey(first.head.suite, readCode(input.value), lot)))
      .then(done, stopped);
  });
  screen.show(speech.say("release_title"), null, el("p", { class: "note", "data-state": "ok" }, speech.say("released", n)));
  return { closing, values };
}

async function unwrapAll(heads: { tree: string; head: Head }[], own: OwnKey): Promise<TreeValue[]> {
  const values: TreeValue[] = [];
  for (const { tree, head } of heads) values.push({ tree, value: b64(await unwrapB(head.binding, head.wraps, own)) });
  return values.sort((a, b) => (a.tree < b.tree ? -1 : 1));
}
