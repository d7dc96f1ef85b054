// Sealing, step by step: compare the keys, choose folders, write down the code, seal, save.
import type { Bytes } from "./bytes";
import { unb64 } from "./bytes";
import { canonical, timeText } from "./canonical";
import { checkUscc } from "./certificates";
import { trustOf } from "./closing";
import { askCode } from "./codes";
import { button, el, icon, saveAs, tag } from "./dom";
import type { KeptBid } from "./keeping";
import { checkContext, drop, filesOf, find, keep, keepTrust, stateOf, storedFile, volumesOf } from "./keeping";
import { Labour } from "./labour";
import type { CheckedLot } from "./material";
import { checkMaterial, readMaterial } from "./material";
import { shortSid } from "./opening-keys";
import { ITEMS_NAME, checkVolume, packageName } from "./package";
import type { Notice, Progress, SealRequest, SealedBid, SealedVolume } from "./protocol";
import { Refused } from "./refused";
import type { Screen } from "./screen";
import { notYet } from "./screen";
import { suiteOf } from "./suite";
import type { ChosenFile, SealWork } from "./work";
import type { Key } from "./words";
import { LARGEST_GM, entriesOf } from "./work";

const STEPS = 4;
type Tell = (notice: Notice) => void;
type Titles = Record<string, string>;

export async function sealFlow(screen: Screen, request: SealRequest, tell: Tell): Promise<SealedBid> {
  checkContext();
  checkUscc(request.bidder.uscc);
  // Asked for early: a browser may throw away what was not asked to be kept.
  await navigator.storage.persist();
  const material = readMaterial(request.material);
  const lot = await checkMaterial(material, request.expected, Date.now(), request.demo);
  const names = lot.volumes.filter((volume) => !request.kept.some((kept) => kept.volume === volume));
  if (request.kept.some((kept) => !lot.volumes.includes(kept.volume)) || names.length === 0) {
    throw new Refused("E_VOLUMES", `expected kept volumes of ${lot.volumes.join(", ")} and at least one to seal`);
  }
  const begun = await find("begun", material.lot);
  await compare(screen, lot, request.expected !== null, begun !== undefined);
  await drop("begun", material.lot);
  const chosen = await chooseFolders(screen, names, request, lot.keys.body.suite === "GM-1");
  const code = await askCode(screen, suiteOf(lot.keys.body.suite), material.lot, screen.caption(3, STEPS));
  const listed = await work(screen, tell, request.titles ?? {}, {
    do: "seal",
    lot: material.lot,
    uscc: request.bidder.uscc,
    opening_keys: new TextDecoder().decode(canonical(lot.keys.statement.json)),
    volumes: names.map((volume) => ({ volume, files: chosen.get(volume) as ChosenFile[] })),
    code,
    points: appPoints(request),
    at: lot.at,
  });
  code.fill(0);
  const bid = bidOf(request, lot, listed);
  await keepTrust(trustOf(material));
  await keep("bids", bid);
  tell({ notice: "changed", state: await stateOf(bid.lot) });
  await showDone(screen, bid, tell);
  return { lot: bid.lot, manifest: bid.manifest, files: await filesOf(bid) };
}

const appPoints = (request: SealRequest): Bytes[] => (request.app_key === null ? [] : [unb64(request.app_key.pk, 65)]);

function bidOf(request: SealRequest, lot: CheckedLot, listed: SealedVolume[]): KeptBid {
  const { body, sid, statement } = lot.keys;
  const envelopes = [...listed, ...request.kept].sort((a, b) => (a.volume < b.volume ? -1 : 1));
  return {
    lot: body.lot,
    manifest: {
      v: 1, tender: body.tender, lot: body.lot, round: body.round,
      seq: request.seq, prev: request.prev, bidder: request.bidder,
      consortium: [...request.consortium].sort((a, b) => (a.uscc < b.uscc ? -1 : 1)),
      suite: body.suite, policy: body.policy, opening_keys: sid,
      mandate: request.mandate, envelopes, client_time: timeText(lot.at),
    },
    trees: listed.map((volume) => volume.tree),
    opening_keys: new TextDecoder().decode(canonical(statement.json)),
    app_kid: request.app_key?.kid ?? null,
    titles: request.titles ?? {},
  };
}

// ---- step 1

async function compare(screen: Screen, lot: CheckedLot, isKnown: boolean, interrupted: boolean): Promise<void> {
  const { speech } = screen;
  const { t, r } = lot.keys.body;
  const members = { t: t.members.length, tk: t.k, r: r?.members.length ?? 0 };
  const box = el("input", { type: "checkbox", id: "compared" });
  const groups = shortSid(lot.keys.sid).split(" ");
  await screen.ask(
    speech.say("lot_title"),
    screen.caption(1, STEPS),
    [
      interrupted ? el("p", { class: "note", "data-state": "warn" }, speech.say("interrupted")) : null,
      el("p", {}, tag("ok", "8.1"), " ", speech.say("lot_ok")),
      el("p", { class: "caption" }, `${speech.say("deadline")} ${speech.time(lot.schedule.deadline)}`),
      el("p", { class: "caption" }, speech.say(r === null ? "members_strict" : "members", members)),
      el("p", {}, speech.say("digits")),
      el("ol", { class: "code-groups", "aria-label": speech.say("lot_title") }, ...groups.map((group) => el("li", {}, group))),
      isKnown ? el("p", {}, tag("ok", speech.say("digits_fit"))) : null,
      el("label", { class: "choice" }, box, speech.say("compared")),
      el("ul", { class: "caption" }, ...lot.remarks.map((remark) => el("li", {}, speech.say(`remark.${remark}`)))),
    ],
    speech.say("next"),
    () => {
      if (!box.checked) throw notYet(speech.say("must_compare"));
    },
  );
}

// ---- step 2

async function chooseFolders(screen: Screen, names: string[], request: SealRequest, isGm: boolean): Promise<Map<string, ChosenFile[]>> {
  const { speech } = screen;
  const chosen = new Map<string, ChosenFile[]>();
  const titleOf = (volume: string): string => request.titles?.[volume] ?? volume;
  const rows = names.map((volume) => folderRow(screen, volume, titleOf(volume), chosen));
  const kept = request.kept.map((one) => titleOf(one.volume));
  const limit = { limit: speech.bytes(LARGEST_GM) };
  await screen.ask(
    speech.say("folders_title"),
    screen.caption(2, STEPS),
    [isGm ? el("p", { class: "note" }, speech.say("gm_limit", limit)) : null, kept.length > 0 ? el("p", { class: "caption" }, speech.say("sealed_before", { volumes: kept.join("、") })) : null, el("ul", { class: "list" }, ...rows)],
    speech.say("next"),
    () => {
      const missing = names.filter((volume) => !chosen.has(volume));
      if (missing.length > 0) throw notYet(speech.say("must_choose", { volumes: missing.map(titleOf).join("、") }));
      const size = [...chosen.values()].flat().reduce((sum, { file }) => sum + file.size, 0);
      if (isGm && size > LARGEST_GM) throw notYet(speech.say("gm_large", { ...limit, size: speech.bytes(size) }));
    },
  );
  return chosen;
}

function folderRow(screen: Screen, volume: string, title: string, chosen: Map<string, ChosenFile[]>): HTMLElement {
  const { speech } = screen;
  const picked = el("p", { class: "caption", "aria-live": "polite" }, speech.say("missing"));
  const state = el("span", {}, tag("warn", speech.say("missing")));
  const input = el("input", { type: "file", id: `folder-${volume}`, class: "hidden-text", webkitdirectory: true, multiple: true });
  const label = el("label", { class: "button", for: `folder-${volume}` }, icon("file"), speech.say("choose"));
  input.setAttribute("aria-label", speech.say("choose_for", { volume: title }));
  input.addEventListener("change", () => {
    void (async () => {
      const files = [...(input.files ?? [])].map((file) => ({ name: nameOf(file), file }));
      chosen.delete(volume);
      const size = files.reduce((sum, { file }) => sum + file.size, 0);
      picked.textContent = speech.say("chosen", { n: files.length, size: speech.bytes(size) });
      try {
        await checkVolume(volume, entriesOf(files));
        chosen.set(volume, files);
        state.replaceChildren(tag("ok", speech.say("ready")));
      } catch (error) {
        state.replaceChildren(tag("bad", speech.refused("package-bad")));
        picked.textContent = error instanceof Refused ? error.message : String(error);
      }
    })();
  });
  const hint = volume === "price" ? el("p", { class: "hint" }, speech.say("items_hint")) : null;
  const text = el("div", {}, el("h3", {}, title), hint, picked, el("p", { class: "row folder-choice" }, input, label));
  return el("li", { class: "file", "data-volume": volume }, icon("file"), text, state);
}

/** The name inside the package: below the chosen folder. */
function nameOf(file: File): string {
  const path = file.webkitRelativePath === "" ? file.name : file.webkitRelativePath.split("/").slice(1).join("/");
  return packageName(path === "" ? ITEMS_NAME : path);
}

// ---- step 4

async function work(screen: Screen, tell: Tell, titles: Titles, order: SealWork): Promise<SealedVolume[]> {
  const { speech } = screen;
  const shown = progressOf(screen, order.volumes.map(({ volume }) => volume), titles);
  const labour = new Labour((progress) => {
    shown.update(progress);
    tell(progress);
  });
  const pause = button(speech.say("pause"), () => {
    pause.textContent = speech.say(labour.toggle() ? "resume" : "pause");
  });
  const leave = (event: BeforeUnloadEvent): void => event.preventDefault();
  addEventListener("beforeunload", leave);
  screen.show(speech.say("seal_title"), screen.caption(4, STEPS), shown.element, el("p", { class: "row" }, pause, el("span", { class: "caption" }, speech.say("stay"))));
  try {
    const report = await labour.do(order);
    return report.said === "sealed" ? report.volumes : [];
  } finally {
    removeEventListener("beforeunload", leave);
  }
}

/** What a volume goes through, by the phase that the worker names and its words. */
type Steps = readonly (readonly [Progress["phase"] | "upload", Key])[];
/** The frame's three, and the page's upload. */
const SEALING: Steps = [["read", "read"], ["seal", "seal"], ["check", "check"], ["upload", "upload"]];
export const TRIAL: Steps = [["check", "trial"]];

export function progressOf(screen: Screen, volumes: string[], titles: Titles, steps: Steps = SEALING): { element: HTMLElement; update: (progress: Progress) => void } {
  const { speech } = screen;
  const percent = el("strong", {}, speech.say("overall", { percent: 0 }));
  const pace = el("span", { class: "caption", "aria-live": "off" }, speech.say("left_unknown"));
  const rows = new Map(volumes.map((volume) => [volume, steps.map(([, words]) => el("li", {}, speech.say(words)))]));
  const lists = volumes.map((volume) => el("li", {}, el("h3", {}, titles[volume] ?? volume), el("ol", { class: "phases" }, ...(rows.get(volume) ?? []))));
  const update = (progress: Progress): void => {
    percent.textContent = speech.say("overall", { percent: Math.floor(progress.overall * 100) });
    const left = progress.seconds_left === null ? null : speech.seconds(progress.seconds_left);
    pace.textContent = progress.paused
      ? speech.say("paused")
      : left === null
        ? speech.say("left_unknown")
        : speech.say("speed", { speed: speech.bytes(progress.bytes_per_second), left });
    const now = steps.findIndex(([phase]) => phase === progress.phase);
    rows.get(progress.volume)?.forEach((row, at) => {
      const done = progress.total === 0 ? 1 : progress.done / progress.total;
      row.dataset.state = at < now || (at === now && done >= 1) ? "ok" : at === now ? "now" : "";
      const share = at === now ? Math.floor(done * 100) : 0;
      row.style.setProperty("--done", String(share));
      row.textContent = `${speech.say((steps[at] as Steps[number])[1])}${at === now ? ` ${share}%` : ""}`;
    });
    // All that came before this volume is through.
    for (const volume of volumes.slice(0, volumes.indexOf(progress.volume))) {
      rows.get(volume)?.filter((_, at) => steps[at]?.[0] !== "upload").forEach((row) => {
        row.dataset.state = "ok";
      });
    }
  };
  return { element: el("div", { class: "stack" }, el("p", { class: "row row-between" }, percent, pace), el("ul", { class: "list" }, ...lists)), update };
}

// ---- afterwards

/** What was sealed, with a button that saves each sealed file outside of the browser. */
export async function showDone(screen: Screen, bid: KeptBid, tell: Tell): Promise<void> {
  const { speech } = screen;
  const rows = (await volumesOf(bid)).map((kept) => {
    const state = el("span", {}, tag(kept.saved ? "ok" : "warn", speech.say(kept.saved ? "saved" : "not_saved")));
    const name = `${kept.volume}-${kept.tree.slice(0, 8)}.tbe`;
    const save = button(speech.say("save", { name }), () => {
      void (async () => {
        saveAs(await storedFile(kept.stored), name);
        await keep("volumes", { ...kept, saved: true });
        state.replaceChildren(tag("ok", speech.say("saved")));
        tell({ notice: "changed", state: await stateOf(bid.lot) });
      })();
    });
    const text = el("div", {}, el("h3", {}, bid.titles[kept.volume] ?? kept.volume), el("p", { class: "caption" }, speech.bytes(kept.size)), el("p", { class: "digest" }, kept.tree), el("p", { class: "row" }, save));
    return el("li", { class: "file", "data-volume": kept.volume }, icon("lock"), text, state);
  });
  const done = el("p", { class: "note", "data-state": "ok" }, speech.say("done_text"));
  const only = el("p", { class: "note", "data-state": "warn" }, speech.say("only_here"));
  screen.show(speech.say("done_title"), null, done, only, el("p", {}, speech.say("save_text")), el("ul", { class: "list" }, ...rows));
}
