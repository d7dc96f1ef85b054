// Deleting sealed files: a page may ask for it, the person decides in the frame.
import { el, icon, tag } from "./dom";
import { find, forget, volumesOf } from "./keeping";
import type { ForgetRequest } from "./protocol";
import type { Screen } from "./screen";
import { seen } from "./seen";

export async function forgetFlow(screen: Screen, request: ForgetRequest): Promise<null> {
  const { speech } = screen;
  const bid = await find("bids", request.lot);
  const kept = bid === undefined ? [] : (await volumesOf(bid)).filter((one) => bid.trees.includes(one.tree));
  if (bid !== undefined && kept.length > 0) {
    const rows = kept.map((one) =>
      el("li", { class: "file" }, icon("lock"), el("div", {}, el("h3", {}, bid.titles[one.volume] ?? one.volume), el("p", { class: "caption" }, speech.bytes(one.size)), el("p", { class: "digest" }, one.tree)), tag(one.saved ? "ok" : "warn", speech.say(one.saved ? "saved" : "not_saved"))),
    );
    const go = el("button", { class: "button", "data-kind": "primary" }, speech.say("forget_do"));
    const text = el("p", { class: "note", "data-state": "warn" }, speech.say("forget_text", { n: kept.length }));
    await screen.ask(speech.say("forget_title"), null, [text, el("ul", { class: "list" }, ...rows)], seen(go, speech), () => true);
  }
  await forget(request.lot);
  screen.rest();
  return null;
}
