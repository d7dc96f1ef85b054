// What a receipt is worth, found by this browser itself (sealing.md 13): the platform's signature,
// the act's place in the ledger, the log's and the witnesses' signatures. The platform is not asked.
import type { Certificate } from "./certificate";
import { isIssuedBy, readCertificate, verifyWith } from "./certificate";
import type { Raw } from "./statement";
import { canonical, concat, fromBase64, same, sha256, signedBytes, utf8 } from "./statement";

export type Level = "accepted" | "unwitnessed" | "witnessed";

export interface SignedStatement {
  type: string;
  body: Record<string, unknown>;
  sigs: { alg: string; chain: string[]; kid: string | null; sig: string }[];
}

export interface ReceiptFile {
  proof: string;
  statement: SignedStatement;
}

export interface Found {
  level: Level;
  receipt: string;
  intake: string;
  seq: number;
  isWithdrawal: boolean;
}

/** Why a receipt does not hold. */
export class Unproven extends Error {}

interface Key {
  name: string;
  public: Raw;
  id: Raw;
}

interface Policy {
  logs: Key[];
  witnesses: Map<string, Key>;
  groups: Map<string, { least: number; members: string[] }>;
  quorum: string;
  anchors: Certificate[];
}

interface Line {
  name: string;
  id: Raw;
  signature: Raw;
}

async function readKey(text: string): Promise<Key> {
  const [name = "", id = "", ...rest] = text.split("+");
  const material = fromBase64(rest.join("+"));
  const found = (await sha256(utf8(`${name}\n`), material)).slice(0, 4);
  const given = Uint8Array.from(id.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (material.length !== 33 || !same(found, given)) throw new Unproven("policy: key");
  return { name, public: material.slice(1), id: found };
}

/** A policy file: whom this browser trusts. */
export async function readPolicy(text: string): Promise<Policy> {
  const policy: Policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: "", anchors: [] };
  for (const line of text.split("\n")) {
    const [word = "", first = "", second = "", ...more] = line.trim().split(/\s+/);
    if (word === "log") policy.logs.push(await readKey(first));
    else if (word === "witness") policy.witnesses.set(first, await readKey(second));
    else if (word === "group") policy.groups.set(first, { least: leastOf(second, more.length), members: more });
    else if (word === "quorum") policy.quorum = first;
    else if (word === "#anchor" && first === "platform") policy.anchors.push(readCertificate(fromBase64(second)));
  }
  if (policy.quorum === "" || policy.logs.length === 0) throw new Unproven("policy");
  return policy;
}

function leastOf(text: string, members: number): number {
  return text === "any" ? 1 : text === "all" ? members : Number(text);
}

async function isEd25519(key: Raw, message: Raw, signature: Raw): Promise<boolean> {
  const made = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", made, signature, message);
}

/** Verifies a receipt of an act that this browser knows by its sid. */
export async function verifyReceipt(file: ReceiptFile, sid: string, policy: Policy): Promise<Found> {
  const { type, body, sigs } = file.statement;
  const ledger = body.ledger as { origin: string; index: number; time_ms: number; salt: string; body: Record<string, unknown> };
  if (type !== "receipt" || body.act !== sid) throw new Unproven("C3");
  await checkSignature(sigs, signedBytes(type, body), policy, ledger.time_ms);
  const leaf = ledger.body;
  const wanted: Record<string, unknown> = {
    t: body.act_type, subject: sid, at_ms: Date.parse(String(body.intake)),
    tender: body.tender, lot: body.lot, round: body.round,
  };
  if (Object.keys(wanted).some((key) => leaf[key] !== wanted[key])) throw new Unproven("C4");
  const level = await checkProof(file.proof, ledger, policy);
  if (Date.parse(String(body.intake)) >= Date.parse(String(body.deadline))) throw new Unproven("C8");
  return {
    level,
    receipt: String(body.receipt),
    intake: String(body.intake),
    seq: Number(body.seq),
    isWithdrawal: body.act_type === "withdraw",
  };
}

async function checkSignature(sigs: SignedStatement["sigs"], message: Raw, policy: Policy, at: number): Promise<void> {
  const [one] = sigs;
  if (one === undefined || sigs.length !== 1 || one.chain.length === 0) throw new Unproven("C2");
  const path = one.chain.map((der) => readCertificate(fromBase64(der)));
  if (one.alg !== (path[0]?.isSm2 ? "SM2SM3" : "ES256")) throw new Unproven("C2");
  const last = path.at(-1) as Certificate;
  let anchored = policy.anchors.some((anchor) => same(anchor.whole, last.whole));
  for (const anchor of policy.anchors) anchored ||= await isIssuedBy(last, anchor);
  for (let place = 0; place + 1 < path.length; place += 1) {
    anchored &&= await isIssuedBy(path[place] as Certificate, path[place + 1] as Certificate);
  }
  const inTime = path.every((certificate) => certificate.since <= at && at <= certificate.until);
  const signed = await verifyWith(path[0] as Certificate, message, fromBase64(one.sig));
  if (!anchored || !inTime || !signed) throw new Unproven("C2");
}

async function checkProof(
  text: string,
  ledger: { origin: string; index: number; time_ms: number; salt: string; body: unknown },
  policy: Policy,
): Promise<Level> {
  const split = text.indexOf("\n\n");
  const lines = text.slice(0, split).split("\n");
  if (split < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Unproven("C5");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = Number(/^index (\d+)$/.exec(lines.shift() ?? "")?.[1] ?? NaN);
  if (index !== ledger.index) throw new Unproven("C5");
  const note = text.slice(split + 2);
  const end = note.lastIndexOf("\n\n");
  const signed = `${note.slice(0, end)}\n`;
  const [origin = "", size = "", root = ""] = signed.split("\n");
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(ledger.time_ms));
  const commitment = await sha256(utf8("sunbid/commit/v1\0"), fromBase64(ledger.salt), utf8(canonical(ledger.body)));
  const leaf = await sha256(new Uint8Array([0]), concat(new Uint8Array([1]), time, commitment));
  if (!same(await rootFrom(leaf, index, Number(size), lines.map(fromBase64)), fromBase64(root))) throw new Unproven("C5");
  if (origin !== ledger.origin) throw new Unproven("C6");
  const signatures = note.slice(end + 2).trimEnd().split("\n").map(readLine);
  if (!(await isSignedByLog(policy, origin, signatures, utf8(signed)))) throw new Unproven("C6");
  if (policy.quorum === "none") return "unwitnessed";
  return isMet(policy, policy.quorum, await seenBy(policy, signatures, signed)) ? "witnessed" : "accepted";
}

function readLine(line: string): Line {
  const [, name = "", text = ""] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
  const raw = fromBase64(text);
  return { name, id: raw.slice(0, 4), signature: raw.slice(4) };
}

const linesOf = (lines: Line[], key: Key): Line[] => lines.filter((line) => line.name === key.name && same(line.id, key.id));

async function isSignedByLog(policy: Policy, origin: string, lines: Line[], message: Raw): Promise<boolean> {
  let found = false;
  for (const key of policy.logs.filter((one) => one.name === origin)) {
    for (const line of linesOf(lines, key)) {
      if (!(await isEd25519(key.public, message, line.signature))) return false;
      found = true;
    }
  }
  return found;
}

async function seenBy(policy: Policy, lines: Line[], text: string): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const [name, key] of policy.witnesses) {
    for (const line of linesOf(lines, key)) {
      const time = new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0);
      const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
      if (!(await isEd25519(key.public, message, line.signature.slice(8)))) throw new Unproven("C7");
      seen.add(name);
    }
  }
  return seen;
}

function isMet(policy: Policy, name: string, seen: Set<string>): boolean {
  const group = policy.groups.get(name);
  if (group === undefined) return seen.has(name);
  return group.members.filter((member) => isMet(policy, member, seen)).length >= group.least;
}

/** The root that an inclusion proof leads to (RFC 6962). */
async function rootFrom(leaf: Raw, index: number, size: number, proof: Raw[]): Promise<Raw> {
  if (!(index < size)) throw new Unproven("C5");
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new Unproven("C5");
    if (at % 2 === 1 || at === last) {
      hash = await sha256(new Uint8Array([1]), sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = await sha256(new Uint8Array([1]), hash, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  if (last !== 0) throw new Unproven("C5");
  return hash;
}

