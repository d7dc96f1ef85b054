// Opening keys and schedules: schemas (3.7), seats and independence (1.5), member keys (8.1(2)).
import type { Bytes } from "./bytes";
import { unb64, unhex } from "./bytes";
import { parseTime } from "./canonical";
import * as fields from "./fields";
import { Refused, badField, badSignature } from "./refused";
import { Statement, kidOf } from "./statements";
import { suiteOf } from "./suite";

const readMemberKey = fields.object({
  v: fields.oneOf(1),
  uscc: fields.uscc,
  name: fields.text(120),
  seat: fields.oneOf("buyer", "agency", "trading-centre", "supervisor", "notary", "audit", "authority", "other"),
  person_tag: fields.orNull(fields.hash),
  unattended: fields.boolean,
  suite: fields.suiteName,
  kid: fields.kid,
  pk: fields.b64of65,
  sign_kid: fields.kid,
  sign_pk: fields.b64of65,
  not_before: fields.time,
  not_after: fields.time,
});

export type MemberKey = fields.Read<typeof readMemberKey>;

export interface Member {
  statement: Statement;
  body: MemberKey;
}

export interface Members {
  k: number;
  members: Member[];
}

const readMember: fields.Reader<Member> = (value, where) => {
  const statement = new Statement(value, where);
  return { statement, body: statement.as("member-key", readMemberKey) };
};

const readMembers: fields.Reader<Members> = fields.object({ k: fields.integer(2, 9), members: fields.list(readMember, 2, 9) });

const ofLot = { v: fields.oneOf(1), tender: fields.uuid, lot: fields.uuid, round: fields.round };
const window = fields.integer(60, 86_400);

const readOpeningKeys = fields.object({
  ...ofLot,
  version: fields.integer(1),
  prev: fields.orNull(fields.hash),
  suite: fields.suiteName,
  policy: fields.policyName,
  t: readMembers,
  r: fields.orNull(readMembers),
  w1_s: window,
  w2_s: window,
  w3_s: window,
  clock: fields.oneOf("real", "demo"),
  not_after: fields.time,
});

export type OpeningKeys = fields.Read<typeof readOpeningKeys>;

const readSchedule = fields.object({
  ...ofLot,
  version: fields.integer(1),
  prev: fields.orNull(fields.hash),
  deadline: fields.time,
  minimum_bidders: fields.integer(0),
  stages: fields.list(
    fields.object({ stage: fields.integer(1), volumes: fields.list(fields.volume, 1, 8), opens_at: fields.orNull(fields.time) }),
    1,
    4,
  ),
});

export type Schedule = fields.Read<typeof readSchedule>;

/** The opening keys of a lot with their sid; signatures are not checked by reading. */
export class LotKeys {
  readonly body: OpeningKeys;
  readonly sid: string;

  constructor(readonly statement: Statement) {
    this.body = statement.as("opening-keys", readOpeningKeys);
    this.sid = statement.sid;
    if ((this.body.r === null) !== (this.body.policy === "dual-strict")) {
      throw badField("expected a remedy group exactly under the policy dual+remedy");
    }
  }

  /** `oks`, 32 bytes. */
  get sidBytes(): Bytes {
    return unhex(this.sid);
  }

  get groups(): Members[] {
    return this.body.r === null ? [this.body.t] : [this.body.t, this.body.r];
  }
}

export function scheduleOf(statement: Statement): Schedule {
  const body = statement.as("schedule", readSchedule);
  if (body.stages.some((stage, at) => stage.stage !== at + 1)) throw badField("expected stages numbered 1, 2, …");
  const volumes = body.stages.flatMap((stage) => stage.volumes);
  if (new Set(volumes).size !== volumes.length || volumes.length > 8) throw badField("expected each volume in exactly one stage, at most 8 in all");
  return body;
}

/** The first 20 digits of a sid in 5 groups of 4, for a person to compare. */
export const shortSid = (sid: string): string => (sid.slice(0, 20).match(/.{4}/g) ?? []).join(" ");

/** Refuses groups that are not independent (1.5): thresholds, one seat an organisation. */
export function checkIndependence(keys: LotKeys): void {
  const refused = (message: string): Refused => new Refused("E_INDEPENDENCE", message);
  for (const group of keys.groups) {
    const [k, n] = [group.k, group.members.length];
    if (!(2 <= k && k < n && n <= 9 && 2 * k > n)) throw refused(`expected 2 ≤ k < n ≤ 9 and 2k > n, got ${k} of ${n}`);
  }
  const members = keys.groups.flatMap((group) => group.members.map((member) => member.body));
  const isOnce = (values: string[]): boolean => new Set(values).size === values.length;
  // Buyer and agency count as one organisation.
  if (!isOnce(members.map((m) => (m.seat === "buyer" || m.seat === "agency" ? "buyer and agency" : m.uscc)))) {
    throw refused("expected one seat an organisation in both groups together (buyer and agency count as one), got two");
  }
  // An unknown person (null) cannot be compared; the authority makes the tags.
  const people = members.map((m) => m.person_tag).filter((tag) => tag !== null);
  if (!isOnce(people) || !isOnce(members.flatMap((m) => [m.kid, m.sign_kid]))) {
    throw refused("expected another person and other keys in each seat, got one twice");
  }
}

/** Refuses a member key that its own organisation did not sign, out of time, or off the curve. */
export async function checkMemberKey(member: Member, anchors: Bytes[], at: number): Promise<void> {
  const { body, statement } = member;
  const signers = await statement.signers(anchors, at);
  if (!signers.some((signer) => signer.uscc === body.uscc)) throw badSignature(`expected the member key of ${body.name} signed by ${body.uscc} itself`);
  if (at < parseTime(body.not_before) || at > parseTime(body.not_after)) {
    throw badField(`expected the member key of ${body.name} in time, got it expired or too early`);
  }
  const suite = suiteOf(body.suite);
  for (const [kid, text] of [[body.kid, body.pk], [body.sign_kid, body.sign_pk]] as const) {
    const point = unb64(text, 65);
    try {
      suite.checkPoint(point);
    } catch {
      throw badField(`expected points on the curve in the member key of ${body.name}`);
    }
    if (kid !== kidOf(point)) throw badField(`expected the kid of the stated key in the member key of ${body.name}`);
  }
}
