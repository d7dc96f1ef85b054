// What a sealing client checks before it seals (8.1, rules 1 to 4), from the lot file alone.
import type { Bytes } from "./bytes";
import { unb64 } from "./bytes";
import { canonical, parseTime } from "./canonical";
import * as fields from "./fields";
import { Policy, checkLeaf, leafHash, readProof } from "./notes";
import type { Schedule } from "./opening-keys";
import { LotKeys, checkIndependence, checkMemberKey, scheduleOf } from "./opening-keys";
import { Refused, badField, badSignature, sealerRefuses } from "./refused";
import { Statement } from "./statements";

const LARGEST = 4 * 1024 * 1024;
const SHORTEST_SID = 20;

const anyText: fields.Reader<string> = (value, where) => {
  if (typeof value !== "string") throw badField(`expected text at ${where}`);
  return value;
};

export const readLeaf = fields.object({
  origin: fields.text(120),
  index: fields.integer(0),
  time_ms: fields.integer(0),
  salt: fields.b64of32,
  body: fields.anyObject,
});

const readMaterialShape = fields.object({
  v: fields.oneOf(1),
  tender: fields.uuid,
  lot: fields.uuid,
  round: fields.round,
  opening_keys: fields.anyObject,
  schedules: fields.list(fields.anyObject, 1, 100),
  leaves: fields.list(readLeaf, 0, 10_000),
  proofs: fields.anyObject,
  policy_text: anyText,
  pinned: fields.object({ buyer_uscc: fields.uscc, supervisor_uscc: fields.uscc }),
  anchors: fields.list(anyText, 0, 100),
  required_volumes: fields.list(fields.volume, 1, 8),
  clock: fields.oneOf("real", "demo"),
  platform_time: fields.orNull(fields.anyObject),
});

export type Leaf = fields.Read<typeof readLeaf>;

const readPlatformTime = fields.object({
  v: fields.oneOf(1),
  platform: fields.time,
  real: fields.time,
  factor: fields.integer(1, 3600),
});

export type Material = fields.Read<typeof readMaterialShape>;

/** What a person should know of a check that passed. */
export type Remark = "policy-of-lot-file" | "no-witness" | "demo-clock";

/** A lot for which it is safe to seal. */
export interface CheckedLot {
  keys: LotKeys;
  schedule: Schedule;
  scheduleSid: string;
  volumes: string[];
  /** The time by which it was checked, milliseconds since 1970. */
  at: number;
  remarks: Remark[];
}

/** Reads a lot file; its statements are checked by `checkMaterial`. */
export function readMaterial(text: string): Material {
  if (text.length > LARGEST) throw new Refused("E_TOO_LARGE", `expected at most ${LARGEST} bytes, got ${text.length}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badField("expected a lot file in JSON; download the sealing material again");
  }
  return readMaterialShape(value, "lot file");
}

/** Time to check by: the client's own clock, or the platform's in a demonstration. */
function timeOf(material: Material, own: number, demo: boolean): number {
  if (material.clock === "real") return own;
  if (!demo) throw sealerRefuses("expected opening keys with a real clock, got those of a demonstration; nothing is sealed with them here");
  if (material.platform_time === null) throw sealerRefuses("expected the platform's time in the lot file; download it again");
  return platformTime(new Statement(material.platform_time));
}

/** What a `platform-time` says, milliseconds since 1970; its signature is not checked here. */
export const platformTime = (statement: Statement): number => parseTime(statement.as("platform-time", readPlatformTime).platform);

/**
 * Refuses to seal unless rules 1 to 4 of 8.1 hold: 1 signatures of buyer and supervisor, 2 member keys
 * and independence, 3 leaves proven in a checkpoint that meets the policy, 4 the printed sid.
 */
export async function checkMaterial(material: Material, expected: string | null, own: number, demo: boolean): Promise<CheckedLot> {
  const at = timeOf(material, own, demo);
  const anchors: Bytes[] = material.anchors.map((text) => unb64(text));
  const keys = new LotKeys(new Statement(material.opening_keys, "opening_keys"));
  const schedules = material.schedules.map((value, n) => {
    const statement = new Statement(value, `schedules[${n}]`);
    return { statement, body: scheduleOf(statement) };
  });
  checkSameLot(material, [keys.body, ...schedules.map((one) => one.body)]);
  if (keys.body.clock !== material.clock) throw sealerRefuses("expected the clock that the opening keys name, got another");
  checkVersions(schedules);
  const newest = schedules.at(-1) as { statement: Statement; body: Schedule };
  for (const statement of [keys.statement, newest.statement]) await checkPinned(statement, material.pinned, anchors, at); // rule 1
  for (const member of keys.groups.flatMap((group) => group.members)) await checkMemberKey(member, anchors, at); // rule 2
  checkIndependence(keys);
  // Expired keys may be lost keys: nobody could open the bid.
  if (at > parseTime(keys.body.not_after)) throw sealerRefuses("expected opening keys in time, got expired ones; ask the buyer");
  const remarks = checkLedger(material, [keys.sid, newest.statement.sid]); // rule 3
  if (expected !== null) checkExpected(keys.sid, expected); // rule 4
  const volumes = newest.body.stages.flatMap((stage) => stage.volumes).sort();
  if (volumes.join(" ") !== [...material.required_volumes].sort().join(" ")) {
    throw sealerRefuses(`expected the volumes of the schedule, ${volumes.join(", ")}`);
  }
  if (material.clock === "demo") remarks.push("demo-clock");
  return { keys, schedule: newest.body, scheduleSid: newest.statement.sid, volumes, at, remarks };
}

function checkSameLot(material: Material, bodies: { tender: string; lot: string; round: number }[]): void {
  for (const body of bodies) {
    if (body.tender !== material.tender || body.lot !== material.lot || body.round !== material.round) {
      throw sealerRefuses("expected statements about one lot and round, got another's");
    }
  }
}

export function checkVersions(schedules: { statement: Statement; body: Schedule }[]): void {
  const volumesOf = (body: Schedule): string => JSON.stringify(body.stages.map((stage) => stage.volumes));
  schedules.forEach((one, n) => {
    const before = schedules[n - 1];
    if (one.body.version !== (before?.body.version ?? 0) + 1 || one.body.prev !== (before?.statement.sid ?? null)) {
      throw sealerRefuses(`expected version ${(before?.body.version ?? 0) + 1} of the schedule after its predecessor`);
    }
    if (before !== undefined && volumesOf(before.body) !== volumesOf(one.body)) {
      throw sealerRefuses("expected the same volumes in every version of the schedule");
    }
  });
}

export async function checkPinned(statement: Statement, pinned: Material["pinned"], anchors: Bytes[], at: number): Promise<void> {
  const found = (await statement.signers(anchors, at)).map((signer) => signer.uscc);
  const missing = [pinned.buyer_uscc, pinned.supervisor_uscc].filter((uscc) => !found.includes(uscc));
  if (missing.length > 0) {
    throw badSignature(`expected ${statement.type} signed by ${missing.join(", ")} as the notice pins it; do not go on, ask the buyer`);
  }
}

function checkLedger(material: Material, sids: string[]): Remark[] {
  const policy = new Policy(material.policy_text);
  for (const sid of sids) {
    const leaf = material.leaves.find((one) => one.body.subject === sid);
    if (leaf === undefined) throw sealerRefuses(`expected a ledger leaf of ${sid.slice(0, 20)}…, got none; wait a moment`);
    checkProven(leaf, material.proofs, policy);
  }
  return policy.hasWitnesses ? ["policy-of-lot-file"] : ["policy-of-lot-file", "no-witness"];
}

/** Refuses a leaf that is not proven in a checkpoint which meets the policy; proofs by index. */
export function checkProven(leaf: Leaf, proofs: Record<string, unknown>, policy: Policy): void {
  const text = proofs[String(leaf.index)];
  if (typeof text !== "string") throw sealerRefuses(`expected a proof of leaf ${leaf.index}, got none; fetch it again`);
  const proof = readProof(text);
  if (proof.index !== BigInt(leaf.index)) throw sealerRefuses(`expected a proof of leaf ${leaf.index}, got one of ${proof.index}`);
  const hash = leafHash({ ...leaf, salt: unb64(leaf.salt, 32), body: canonical(leaf.body) });
  const checkpoint = checkLeaf(proof, hash);
  policy.check(proof.note);
  if (checkpoint.origin !== leaf.origin) throw sealerRefuses(`expected a checkpoint of ${leaf.origin}, got ${checkpoint.origin}`);
}

/** Refuses a sid that does not begin with what the tender document prints; blanks are forgiven. */
export function checkExpected(sid: string, expected: string): void {
  const given = expected.replace(/ /g, "").toLowerCase();
  // 20 digits are 80 bits: too many to find another set of opening keys that begins so.
  if (given.length < SHORTEST_SID || !sid.startsWith(given)) {
    throw new Refused("E_OPENING_KEYS", `expected the opening keys ${JSON.stringify(expected)} printed in the tender document, got ${sid.slice(0, SHORTEST_SID)}…; do not seal, ask the buyer`);
  }
}
