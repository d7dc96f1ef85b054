// The wraps of an envelope (2.6, 3.6): shares of T and B to the members, B itself to the bidder. A
// function of T, B, header, opening keys and the bidder's points: whoever knows T and B recomputes it.
import type { Bytes } from "./bytes";
import { b64, concat, hex, same, unb64, unhex, utf8 } from "./bytes";
import { canonical, parse } from "./canonical";
import * as fields from "./fields";
import type { LotKeys, Members } from "./opening-keys";
import { Refused, SealFailed, badWraps } from "./refused";
import type { DealtRole, Halves } from "./shares";
import { Deal } from "./shares";
import { kidOf } from "./statements";
import type { OwnKey, Suite } from "./suite";
import { commit, fits } from "./suite";

export const LARGEST_WRAPS = 262_144;
const MOST_BIDDER_KEYS = 3;
const SHARE_TAG = { T: "tshare", R: "rshare" } as const;

const wrapped: fields.Reader<string> = (value, where) => {
  const found = fields.pattern(/^[A-Za-z0-9_-]+$/)(value, where);
  if (found.length > 1024) throw new Refused("E_FIELD", `expected at most 1024 characters at ${where}`);
  return found;
};
const readShares = fields.object({
  k: fields.integer(0),
  n: fields.integer(0),
  shares: fields.list(fields.object({ i: fields.integer(0), kid: fields.kid, ct: wrapped, h: fields.hash }), 0, 1024),
});
const readShape = fields.object({
  v: fields.oneOf(1),
  t: readShares,
  r: fields.orNull(readShares),
  b: fields.list(fields.object({ i: fields.integer(0), kid: fields.kid, pk: fields.b64of65, ct: wrapped }), 0, 1024),
  ht: fields.hash,
  hb: fields.hash,
});

export type Wraps = fields.Read<typeof readShape>;
type Shares = fields.Read<typeof readShares>;
type BidderWrap = Wraps["b"][number];

/** One wrap: a seat, or an entry of `b`. */
export interface WrapRef {
  group: DealtRole | "B";
  i: number;
}

/** What every wrap of an envelope is bound to. */
export class Binding {
  constructor(
    readonly suite: Suite,
    readonly headerHash: Bytes,
    readonly openingKeys: Bytes,
  ) {}

  info(role: DealtRole | "B", i: number): Bytes {
    return concat(utf8(`tbe1/wrap/v1\0${role}`), new Uint8Array([i]), this.headerHash, this.openingKeys);
  }

  commit(tag: string, i: number, value: Bytes): string {
    return hex(commit(this.suite, tag, this.headerHash, i, value));
  }

  fits(tag: string, i: number, value: Bytes, commitment: string): boolean {
    return fits(this.suite, tag, this.headerHash, i, value, unhex(commitment));
  }
}

/** The wraps of an envelope; `points[0]` is the recovery code's public key. */
export async function makeWraps(binding: Binding, halves: Halves, keys: LotKeys, points: Bytes[]): Promise<Wraps> {
  if (points.length < 1 || points.length > MOST_BIDDER_KEYS) throw badWraps(`expected 1 to ${MOST_BIDDER_KEYS} keys of the bidder`);
  const deal = new Deal(binding.suite, halves, binding.headerHash);
  const b: BidderWrap[] = [];
  for (const [i, point] of points.entries()) {
    const ct = await binding.suite.seal(point, binding.info("B", i), halves.b, deal.ephemeral("B", i));
    b.push({ i, kid: kidOf(point), pk: b64(point), ct: b64(ct) });
  }
  return {
    v: 1,
    t: await wrapGroup(binding, deal, "T", keys.body.t),
    r: keys.body.r === null ? null : await wrapGroup(binding, deal, "R", keys.body.r),
    b,
    ht: binding.commit("T", 0, halves.t),
    hb: binding.commit("B", 0, halves.b),
  };
}

async function wrapGroup(binding: Binding, deal: Deal, group: DealtRole, members: Members): Promise<Shares> {
  const n = members.members.length;
  const shares: Shares["shares"] = [];
  for (const [at, share] of deal.shares(group, members.k, n).entries()) {
    const i = at + 1;
    const { kid, pk } = (members.members[at] as Members["members"][number]).body;
    const ct = await binding.suite.seal(unb64(pk, 65), binding.info(group, i), share, deal.ephemeral(group, i));
    shares.push({ i, kid, ct: b64(ct), h: binding.commit(SHARE_TAG[group], i, share) });
  }
  return { k: members.k, n, shares };
}

export const wrapsBytes = (wraps: Wraps): Bytes => canonical(wraps);

/** Reads wraps; refuses wrong numbers, order, lengths, doubled keys and points off the curve. */
export function readWraps(raw: Bytes, suite: Suite): Wraps {
  const wraps = readShape(parse(raw, LARGEST_WRAPS), "wraps");
  const groups = wraps.r === null ? [wraps.t] : [wraps.t, wraps.r];
  for (const group of groups) {
    if (!(2 <= group.k && group.k < group.n && group.n <= 9 && 2 * group.k > group.n)) throw badWraps(`expected 2 ≤ k < n ≤ 9 and 2k > n, got k ${group.k}, n ${group.n}`);
    if (group.shares.length !== group.n || group.shares.some((share, at) => share.i !== at + 1)) throw badWraps(`expected shares 1 to ${group.n} in order`);
    for (const share of group.shares) checkWrapped(share.ct, suite);
  }
  // One key in two seats would count twice for a threshold.
  const kids = groups.flatMap((group) => group.shares.map((share) => share.kid));
  if (new Set(kids).size !== kids.length) throw badWraps("expected each member's key once, got one twice");
  checkBidder(wraps.b, suite);
  return wraps;
}

function checkBidder(entries: BidderWrap[], suite: Suite): void {
  if (entries.length < 1 || entries.length > MOST_BIDDER_KEYS || entries.some((entry, at) => entry.i !== at)) {
    throw badWraps("expected the recovery key as entry 0 and at most two opening keys after it");
  }
  if (new Set(entries.map((entry) => entry.kid)).size !== entries.length) throw badWraps("expected each key of the bidder once, got one twice");
  for (const entry of entries) {
    const point = unb64(entry.pk, 65);
    suite.checkPoint(point);
    if (entry.kid !== kidOf(point)) throw badWraps("expected the kid of the stated public key, got another");
    checkWrapped(entry.ct, suite);
  }
}

function checkWrapped(text: string, suite: Suite): void {
  const raw = unb64(text);
  if (raw.length !== suite.wrapLength) throw badWraps(`expected wraps of ${suite.wrapLength} bytes, got ${raw.length}`);
  // A point off the curve could leak bits of a member's key to a careless opener.
  suite.checkPoint(raw.subarray(0, 65));
}

/** Refuses wraps whose thresholds, order or keys are not those of the opening keys. */
export function checkWrapsFit(wraps: Wraps, keys: LotKeys): void {
  for (const name of ["t", "r"] as const) {
    const got = wraps[name];
    const wanted = keys.body[name];
    if ((got === null) !== (wanted === null)) throw badWraps(`expected the group ${name} exactly as the opening keys have it`);
    if (got === null || wanted === null) continue;
    if (got.k !== wanted.k || got.n !== wanted.members.length) throw badWraps(`expected ${wanted.k} of ${wanted.members.length} in group ${name}`);
    if (got.shares.some((share, at) => share.kid !== wanted.members[at]?.body.kid)) {
      throw badWraps(`expected the members of group ${name} in the order of the opening keys`);
    }
  }
}

/** B of an envelope by one of the bidder's keys; refuses a key for which it was not wrapped. */
export async function unwrapB(binding: Binding, wraps: Wraps, own: OwnKey): Promise<Bytes> {
  const kid = kidOf(own.public);
  const entry = wraps.b.find((one) => one.kid === kid);
  if (entry === undefined) {
    throw new SealFailed("unwrap", "expected the opening key or recovery code of this envelope, got another key; use the one made when it was sealed");
  }
  const value = await binding.suite.open(own, binding.info("B", entry.i), unb64(entry.ct));
  if (!binding.fits("B", 0, value, wraps.hb)) throw new Refused("E_B", "expected the key that this envelope was sealed with, got another");
  return value;
}

/** Deals again and names the wraps that are not what an honest deal gives; empty is `DEAL_OK`. */
export async function compareDeal(binding: Binding, halves: Halves, keys: LotKeys, wraps: Wraps): Promise<WrapRef[]> {
  // The bidder's own points are taken from the file: only their wraps are judged.
  const right = await makeWraps(binding, halves, keys, wraps.b.map((entry) => unb64(entry.pk, 65)));
  const differs = (a: unknown, b: unknown): boolean => !same(canonical(a), canonical(b));
  const wrong: WrapRef[] = [];
  for (const [group, name] of [["T", "t"], ["R", "r"]] as const) {
    right[name]?.shares.forEach((share, at) => {
      if (differs(share, wraps[name]?.shares[at] ?? null)) wrong.push({ group, i: share.i });
    });
  }
  right.b.forEach((entry, at) => {
    if (differs(entry, wraps.b[at] ?? null)) wrong.push({ group: "B", i: entry.i });
  });
  return wrong;
}
