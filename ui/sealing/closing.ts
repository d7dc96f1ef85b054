// Before a half is released: the bidder's own look at the closing (9.2: there is no early release).
// Nothing here is taken on a page's word: signatures, leaves, the list and the hour are checked by
// what was kept when the bid was sealed.
import type { Bytes } from "./bytes";
import { hex, same, unb64, unhex } from "./bytes";
import { canonical, parseTime } from "./canonical";
import type { Head } from "./envelope";
import { checkForLot } from "./envelope";
import * as fields from "./fields";
import type { Leaf, Material } from "./material";
import { checkPinned, checkProven, checkVersions, platformTime, readLeaf } from "./material";
import { Policy } from "./notes";
import type { Schedule } from "./opening-keys";
import { LotKeys, scheduleOf } from "./opening-keys";
import { Refused, badField } from "./refused";
import { Statement, checkSignedUnder } from "./statements";
import { checkInclusion, hashLeaf } from "./tree";

/** Whom this browser trusts about a lot: as it was when the bid was sealed. */
export interface Trust {
  /** sid of the opening keys of the sealed bid. */
  opening_keys: string;
  policy_text: string;
  pinned: Material["pinned"];
  anchors: string[];
  /** The newest version of the schedule that was seen. */
  schedule_version: number;
}

export const trustOf = (material: Material): Trust => ({
  opening_keys: new LotKeys(new Statement(material.opening_keys, "opening_keys")).sid,
  policy_text: material.policy_text,
  pinned: material.pinned,
  anchors: material.anchors,
  schedule_version: scheduleOf(new Statement(material.schedules.at(-1))).version,
});

const readClosing = fields.object({
  v: fields.oneOf(1),
  tender: fields.uuid,
  lot: fields.uuid,
  round: fields.round,
  schedule: fields.hash,
  opening_keys: fields.hash,
  cut: readLeaf,
  count: fields.integer(1),
  list_root: fields.hash,
  replaces: fields.orNull(fields.hash),
});

const readStage = fields.object({
  v: fields.oneOf(1),
  closing: fields.hash,
  stage: fields.integer(2),
  trees: fields.list(fields.hash, 0, 2000),
  evaluation: fields.hash,
  schedule: fields.hash,
});

const readEntry = fields.object({
  submission: fields.uuid,
  seq: fields.integer(1),
  manifest: fields.hash,
  envelopes: fields.list(
    fields.object({ volume: fields.volume, tree: fields.hash, header_hash: fields.hash, wraps_hash: fields.hash }),
    1,
    8,
  ),
});

const readShown = fields.object({
  closing: fields.anyObject,
  /** The `stage` statement; null in stage 1. */
  stage: fields.orNull(fields.anyObject),
  leaves: fields.list(readLeaf, 0, 100),
  proofs: fields.anyObject,
  entry: readEntry,
  place: fields.integer(0),
  path: fields.list(fields.hash, 0, 63),
});

type Shown = fields.Read<typeof readShown>;

export interface Asked {
  material: Material;
  /** What the platform shows of the closing, as it came. */
  shown: unknown;
  stage: number;
  heads: { tree: string; head: Head }[];
}

const refused = (message: string): Refused => new Refused("opening-unproven", message);

/** Refuses unless these envelopes are to be opened now by a closing of the platform; its sid. */
export async function checkOpening(asked: Asked, trust: Trust, own: number): Promise<string> {
  const keys = new LotKeys(new Statement(asked.material.opening_keys, "opening_keys"));
  if (trust.opening_keys !== keys.sid) throw refused("expected the opening keys of the sealed bid, got others");
  // The header that was sealed names the opening keys, and with them whose clock counts.
  for (const { head } of asked.heads) checkForLot(head, keys);
  const policy = new Policy(trust.policy_text);
  const platform = policy.anchorsOf("platform");
  const at = await timeOf(asked.material, keys, platform, own);
  const shown = readShown(asked.shown, "closing");
  const leaves = new Leaves(shown, policy, keys.body.lot);
  const plans = await schedulesOf(asked.material, trust, at, keys);
  const newest = plans.at(-1) as Plan;
  const closing = new Statement(shown.closing, "closing");
  const sid = await checkClosing(closing, keys, leaves, plans, platform, at);
  const named = asked.stage === 1 ? closing.body.schedule : await checkStage(shown, asked, sid, trust, leaves, at);
  if (named !== newest.statement.sid) throw refused("expected the newest schedule in the closing (stage), got another");
  checkHour(newest.body, asked.stage, at);
  checkListed(shown, closing, asked, newest.body);
  return sid;
}

interface Plan {
  statement: Statement;
  body: Schedule;
}

class Leaves {
  constructor(
    private readonly shown: Shown,
    private readonly policy: Policy,
    private readonly lot: string,
  ) {}

  /** The proven leaf of a statement of this lot. */
  leaf(kind: string, subject: string): Leaf {
    const found = this.shown.leaves.find(({ body }) => body.t === kind && body.subject === subject && body.lot === this.lot);
    if (found === undefined) throw refused(`expected the ledger leaf of the ${kind}, got none; it may stand there after the next tick`);
    checkProven(found, this.shown.proofs, this.policy);
    return found;
  }
}

async function timeOf(material: Material, keys: LotKeys, platform: Bytes[], own: number): Promise<number> {
  if (keys.body.clock === "real") return own;
  if (material.platform_time === null) throw refused("expected the platform's signed time, got none; load the page again");
  const statement = new Statement(material.platform_time, "platform_time");
  const at = platformTime(statement);
  await checkSignedUnder(statement, platform, at, "the platform");
  return at;
}

async function schedulesOf(material: Material, trust: Trust, at: number, keys: LotKeys): Promise<Plan[]> {
  const plans = material.schedules.map((value, n) => {
    const statement = new Statement(value, `schedules[${n}]`);
    return { statement, body: scheduleOf(statement) };
  });
  checkVersions(plans);
  const newest = plans.at(-1) as Plan;
  if (newest.body.version < trust.schedule_version) throw refused("expected the schedule that was known when the bid was sealed, got an older one");
  const anchors = trust.anchors.map((text) => unb64(text));
  for (const { statement, body } of plans) {
    checkPlace(body, keys, "schedule");
    await checkPinned(statement, trust.pinned, anchors, at);
  }
  const leaf = material.leaves.find(({ body }) => body.t === "schedule" && body.subject === newest.statement.sid);
  if (leaf === undefined) throw refused("expected the ledger leaf of the schedule, got none");
  checkProven(leaf, material.proofs, new Policy(trust.policy_text));
  return plans;
}

function checkPlace(body: { tender: string; lot: string; round: number }, keys: LotKeys, what: string): void {
  const { tender, lot, round } = keys.body;
  if (body.tender !== tender || body.lot !== lot || body.round !== round) throw refused(`expected the ${what} of this lot and round, got another's`);
}

async function checkClosing(closing: Statement, keys: LotKeys, leaves: Leaves, plans: Plan[], platform: Bytes[], at: number): Promise<string> {
  const body = closing.as("closing", readClosing);
  await checkSignedUnder(closing, platform, at, "the platform as it was known when the bid was sealed");
  checkPlace(body, keys, "closing");
  if (body.opening_keys !== keys.sid) throw refused("expected a closing for the opening keys of the sealed bid, got one for others");
  const [cut, leaf] = [leaves.leaf("cut", body.schedule), leaves.leaf("closing", closing.sid)];
  if (!same(canonical(cut), canonical(body.cut))) throw refused("expected the cut that the closing names, got another");
  if (cut.origin !== leaf.origin || cut.index >= leaf.index) throw refused("expected the cut before the closing in the ledger");
  const plan = plans.find(({ statement }) => statement.sid === body.schedule);
  if (plan === undefined) throw refused("expected the schedule that the closing names, got none");
  const closedAt = cut.body.at_ms;
  if (typeof closedAt !== "number" || closedAt < parseTime(plan.body.deadline)) throw refused("expected a cut after the deadline, got an earlier one");
  return closing.sid;
}

/** The `stage` statement of a later stage, signed by the supervisor; gives the schedule it names. */
async function checkStage(shown: Shown, asked: Asked, closing: string, trust: Trust, leaves: Leaves, at: number): Promise<string> {
  const statement = new Statement(shown.stage, "stage");
  const body = statement.as("stage", readStage);
  const signers = await statement.signers(trust.anchors.map((text) => unb64(text)), at);
  if (!signers.some(({ uscc }) => uscc === trust.pinned.supervisor_uscc)) throw refused("expected a stage signed by the supervisor, got one without");
  if (body.closing !== closing || body.stage !== asked.stage) throw refused("expected the stage of this closing, got another");
  if (!asked.heads.every(({ tree }) => body.trees.includes(tree))) throw refused("expected envelopes that this stage opens, got others");
  leaves.leaf("stage", statement.sid);
  return body.schedule;
}

function checkHour(plan: Schedule, stage: number, at: number): void {
  const opensAt = plan.stages.find((one) => one.stage === stage)?.opens_at ?? null;
  if (opensAt === null) throw refused(`expected an hour of stage ${stage} in the schedule, got none`);
  if (at < parseTime(opensAt)) throw new Refused("too-early", `opens at ${opensAt}, not before; nothing is released`);
}

/** Each envelope stands in the bidder's own entry, which stands in the closing's list. */
function checkListed(shown: Shown, closing: Statement, asked: Asked, plan: Schedule): void {
  const { count, list_root: root } = closing.as("closing", readClosing);
  checkInclusion(hashLeaf(canonical(shown.entry)), BigInt(shown.place), BigInt(count), shown.path.map(unhex), unhex(root));
  const volumes = plan.stages.find((one) => one.stage === asked.stage)?.volumes ?? [];
  for (const { tree, head } of asked.heads) {
    const listed = shown.entry.envelopes.find((one) => one.tree === tree);
    const fits = listed?.header_hash === hex(head.headerHash) && listed.wraps_hash === hex(head.wrapsHash) && listed.volume === head.header.volume;
    if (!fits || !volumes.includes(head.header.volume)) throw badField(`expected the listed header and wraps of ${tree.slice(0, 16)}… in this stage, got others`);
  }
}
