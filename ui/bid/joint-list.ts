// The list of a consortium's bid as its members sign it: a statement file, read and checked here.
import type { Bytes } from "../sealing/bytes";
import { unb64 } from "../sealing/bytes";
import { checkUscc } from "../sealing/certificates";
import * as fields from "../sealing/fields";
import type { CheckedLot } from "../sealing/material";
import { checkMaterial, readMaterial } from "../sealing/material";
import type { Company } from "../sealing/protocol";
import { Refused } from "../sealing/refused";
import { Statement } from "../sealing/statements";
import type { Words } from "./place";
import { say } from "./place";
import { canonical } from "./statement";

/** A statement has room for nine signatures, one of them the lead's. */
export const MOST_MEMBERS = 8;
const LARGEST = 256 * 1024;

const company = fields.object({ uscc: fields.uscc, name: fields.text(120) });
const size = fields.integer(1);

const readManifest = fields.object({
  v: fields.oneOf(1),
  tender: fields.uuid,
  lot: fields.uuid,
  round: fields.round,
  seq: fields.integer(1),
  prev: fields.orNull(fields.hash),
  bidder: company,
  consortium: fields.list(company, 0, 9),
  suite: fields.suiteName,
  policy: fields.policyName,
  opening_keys: fields.hash,
  mandate: fields.orNull(fields.hash),
  envelopes: fields.list(
    fields.object({
      volume: fields.volume,
      tree: fields.hash,
      size,
      header_hash: fields.hash,
      wraps_hash: fields.hash,
      plain_len: size,
      bidder_salt: fields.b64of32,
    }),
    1,
    8,
  ),
  client_time: fields.time,
});

export type Manifest = fields.Read<typeof readManifest>;

export interface JointList {
  statement: Statement;
  body: Manifest;
}

/** A file or an entry that cannot be used; the page has a sentence for it that says what to do. */
export class NotThis extends Error {
  constructor(
    readonly key: string,
    readonly values: Record<string, string | number> = {},
  ) {
    super(key);
  }
}

/** What the page says of an error. */
export function whyNot(words: Words, error: unknown): string {
  if (error instanceof NotThis) return say(words, error.key, error.values);
  if (error instanceof Refused && words[error.code] !== undefined) return say(words, error.code);
  return say(words, "fault", { why: error instanceof Error ? error.message : String(error) });
}

/** A statement file that names the members of a bid; refuses every other file. */
export async function readList(file: File): Promise<JointList> {
  if (file.size > LARGEST) throw new NotThis("not_a_list");
  const raw: Bytes = new Uint8Array(await file.arrayBuffer());
  let statement: Statement;
  try {
    statement = Statement.read(raw);
  } catch (error) {
    // Its content is a list, its spelling is not the one that was written: somebody edited it.
    const isEdited = new TextDecoder().decode(raw).includes('"manifest"');
    throw error instanceof Refused ? new NotThis(isEdited ? "edited" : "not_a_list") : error;
  }
  if (statement.type !== "manifest") throw new NotThis("not_a_list");
  try {
    return { statement, body: readManifest(statement.body, "manifest") };
  } catch (error) {
    throw error instanceof Refused ? new NotThis("edited") : error;
  }
}

/** The file that members sign, or that carries one's signature. */
export const listFile = (body: unknown, sigs: unknown[]): Blob =>
  new Blob([canonical({ body, sigs, type: "manifest" })], { type: "application/json" });

/** The lot as this browser has checked it: opening keys, schedule, and whose licences count. */
export interface KnownLot extends CheckedLot {
  tender: string;
  round: number;
  anchors: Bytes[];
}

export async function knownLot(lot: string, isDemo: boolean): Promise<KnownLot> {
  const answer = await fetch(`/api/v1/lots/${lot}/sealing-material`, { cache: "no-store" });
  if (!answer.ok) throw new NotThis(answer.status === 404 ? "unknown_lot" : "away");
  const material = readMaterial(await answer.text());
  const checked = await checkMaterial(material, null, Date.now(), isDemo);
  return { ...checked, tender: material.tender, round: material.round, anchors: material.anchors.map((text) => unb64(text)) };
}

export interface CompanySignature {
  uscc: string;
  /** As it stands in the statement file. */
  signature: unknown;
}

/** Every company that signed a list, each signature checked; refuses whom the list does not name. */
export async function signaturesOf({ statement, body }: JointList, lot: KnownLot): Promise<CompanySignature[]> {
  const named = [body.bidder, ...body.consortium].map((one) => one.uscc);
  const found: CompanySignature[] = [];
  for (const signature of (statement.json as { sigs: unknown[] }).sigs) {
    const alone = new Statement({ body: statement.body, sigs: [signature], type: statement.type });
    const [signer] = await alone.signers(lot.anchors, lot.at);
    if (signer === undefined) throw new NotThis("no_licence");
    if (!named.includes(signer.uscc)) throw new NotThis("stranger", { name: signer.name, uscc: signer.uscc });
    found.push({ uscc: signer.uscc, signature });
  }
  return found;
}

/** Members as they were typed; refuses a wrong code, one that stands twice, and the lead itself. */
export function readMembers(typed: Company[], lead: string): Company[] {
  const members: Company[] = [];
  typed.forEach(({ name, uscc }, at) => {
    const one = { name: name.trim().normalize("NFC"), uscc: uscc.replace(/\s/g, "").toUpperCase() };
    if (one.name === "" && one.uscc === "") return;
    const n = { n: at + 1 };
    if (one.name === "") throw new NotThis("name_missing", n);
    try {
      checkUscc(one.uscc);
    } catch {
      throw new NotThis("uscc_wrong", n);
    }
    if (one.uscc === lead) throw new NotThis("uscc_own", n);
    if (members.some((other) => other.uscc === one.uscc)) throw new NotThis("uscc_twice", n);
    members.push(one);
  });
  if (members.length > MOST_MEMBERS) throw new NotThis("too_many", { most: MOST_MEMBERS });
  return members.sort((a, b) => (a.uscc < b.uscc ? -1 : 1));
}

/** A digest in groups of four digits. */
export const grouped = (digits: string): string => digits.match(/.{1,4}/g)?.join(" ") ?? digits;
