// Signed notes, checkpoints, proof files and policies (C2SP), as a sealing client checks them.
import { ed25519 } from "@noble/curves/ed25519.js";
import type { Bytes } from "./bytes";
import { bigEndian, concat, hex, same, toBigInt, unbase64, utf8 } from "./bytes";
import { sha256 } from "./hashing";
import { Refused } from "./refused";
import { checkInclusion } from "./tree";

const LOG = 0x01;
const WITNESS = 0x04;
const MARK = "\u2014 ";
const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const LARGEST = 1024 * 1024;
const LARGEST_SIZE = 2n ** 63n - 1n;
const SIZE = /^(?:0|[1-9][0-9]{0,18})$/;

export interface VerifierKey {
  name: string;
  kind: number;
  public: Bytes;
  id: Bytes;
}

interface Line {
  name: string;
  id: Bytes;
  signature: Bytes;
}

export interface Note {
  text: string;
  lines: Line[];
}

export interface Checkpoint {
  origin: string;
  size: bigint;
  root: Bytes;
}

export interface Proof {
  index: bigint;
  hashes: Bytes[];
  note: Note;
}

interface Group {
  threshold: number;
  members: string[];
}

const badNote = (message: string): Refused => new Refused("bad-note", message);
const badKey = (message: string): Refused => new Refused("bad-verifier-key", message);
const badPolicy = (message: string): Refused => new Refused("bad-policy", message);
const badProof = (message: string): Refused => new Refused("bad-proof", message);

const isKeyName = (name: string): boolean => name !== "" && !/[\s+\p{Cc}\p{Cs}\p{Z}]/u.test(name);

/** Reads a verifier key; refuses all but Ed25519 (log or cosignature), and a wrong id. */
export function readKey(text: string): VerifierKey {
  const [name = "", id = "", ...rest] = text.split("+");
  // The base64 may hold a plus itself.
  const material = unbase64(rest.join("+"));
  if (rest.length === 0 || !isKeyName(name) || material === null) throw badKey("expected a verifier key name+id+base64, got something else; copy it again");
  if (material.length !== 33 || (material[0] !== LOG && material[0] !== WITNESS)) throw badKey("expected an Ed25519 key of type 1 (log) or 4 (witness), got another");
  const made = sha256(concat(utf8(`${name}\n`), material)).slice(0, 4);
  if (hex(made) !== id) throw badKey(`expected the id ${hex(made)} in the key of ${name}; copy it again`);
  return { name, kind: material[0] as number, public: material.slice(1), id: made };
}

/** Splits a note into text and signature lines; refuses any other form. Verifies nothing. */
export function readNote(text: string): Note {
  if (text.length > LARGEST) throw badNote(`expected a note of at most ${LARGEST} characters`);
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text) || !text.isWellFormed()) throw badNote("expected a note without control characters, got one that has some");
  const split = text.lastIndexOf("\n\n");
  const tail = text.slice(split + 2);
  if (split < 1 || !tail.endsWith("\n")) throw badNote("expected a text, an empty line and signature lines, got something else");
  const lines = tail.slice(0, -1).split("\n");
  if (lines.length > 100) throw badNote(`expected at most 100 signatures, got ${lines.length}`);
  return { text: `${text.slice(0, split)}\n`, lines: lines.map(readLine) };
}

function readLine(line: string): Line {
  const rest = line.slice(MARK.length);
  const blank = rest.indexOf(" ");
  const name = rest.slice(0, Math.max(blank, 0));
  const raw = unbase64(rest.slice(blank + 1));
  if (!line.startsWith(MARK) || !isKeyName(name) || raw === null) throw badNote("expected signature lines `\u2014 name base64`, got another line");
  if (raw.length < 5) throw badNote(`expected a key id and a signature in the line of ${name}`);
  return { name, id: raw.slice(0, 4), signature: raw.slice(4) };
}

/** Reads a checkpoint's note text; extension lines are allowed and not returned. */
export function readCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.length < 4 || lines.at(-1) !== "" || lines.slice(0, -1).includes("")) throw badNote("expected a checkpoint of origin, size and root, got something else");
  const [origin = "", size = "", root = ""] = lines;
  const hash = unbase64(root);
  if (!SIZE.test(size) || BigInt(size) > LARGEST_SIZE) throw badNote("expected a tree size without leading zeros");
  if (hash === null || hash.length !== 32) throw badNote("expected a root of 32 bytes");
  return { origin, size: BigInt(size), root: hash };
}

/** Reads a proof file; refuses every other form. Verifies nothing. */
export function readProof(text: string): Proof {
  const split = text.indexOf("\n\n");
  const [first, ...rest] = text.slice(0, Math.max(split, 0)).split("\n");
  if (split < 0 || first !== FIRST_LINE) throw badProof(`expected a file that begins with ${FIRST_LINE}, got something else`);
  if (rest[0]?.startsWith("extra ") === true) rest.shift();
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(rest[0] ?? "");
  if (index === null) throw badProof("expected a line `index N` without leading zeros, got another line");
  if (rest.length - 1 > 63) throw badProof(`expected at most 63 hashes, got ${rest.length - 1}`);
  const hashes = rest.slice(1).map((line) => {
    const value = unbase64(line);
    if (value === null || value.length !== 32) throw badProof("expected a hash of 32 bytes in base64, got another line; copy the file again");
    return value;
  });
  return { index: BigInt(index[1] as string), hashes, note: readNote(text.slice(split + 2)) };
}

/** Refuses unless the leaf stands at the proof's index; whose checkpoint it is stays open. */
export function checkLeaf(proof: Proof, leafHash: Uint8Array): Checkpoint {
  const checkpoint = readCheckpoint(proof.note.text);
  checkInclusion(leafHash, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
  return checkpoint;
}

/** Whom a verifier trusts: logs, witnesses and a quorum in C2SP tlog-policy text. */
export class Policy {
  private readonly logs: VerifierKey[] = [];
  private readonly members = new Map<string, VerifierKey | Group>();
  private readonly used = new Set<string>();
  private readonly keys = new Set<string>();
  private readonly anchors = new Map<string, Bytes[]>();
  private quorum: string | null = null;

  /** Reads a policy file; refuses unknown lines, names not yet defined, and no or two quorums. */
  constructor(text: string) {
    if (text.length > LARGEST) throw badPolicy(`expected at most ${LARGEST} characters`);
    // eslint-disable-next-line no-control-regex
    if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) throw badPolicy("expected a text without control characters but tab and line feed");
    text.split("\n").forEach((line, at) => {
      try {
        this.take(line.replace(/\t/g, " ").split(" ").filter((word) => word !== ""));
      } catch (error) {
        throw error instanceof Refused ? badPolicy(`line ${at + 1}: ${error.message}`) : error;
      }
    });
    if (this.quorum === null) throw badPolicy("expected one line `quorum NAME` or `quorum none`, got none");
  }

  /** Whose certificates speak for a role: our comment lines `#anchor <role> <base64 DER>`. */
  anchorsOf(role: string): Bytes[] {
    return this.anchors.get(role) ?? [];
  }

  /** Whether anybody outside has to have seen a checkpoint. */
  get hasWitnesses(): boolean {
    return this.quorum !== "none";
  }

  /** Refuses unless a known key of the note's origin signed it, and the quorum has seen it. */
  check(note: Note): Checkpoint {
    const checkpoint = readCheckpoint(note.text);
    const keys = this.logs.filter((key) => key.name === checkpoint.origin);
    if (keys.length === 0) throw badNote(`the policy names no log ${JSON.stringify(checkpoint.origin)}; use the policy file of that log`);
    let signed = false;
    for (const key of keys) {
      for (const line of linesOf(note, key)) {
        verify(key, line.signature, utf8(note.text));
        signed = true;
      }
    }
    if (!signed) throw badNote(`no key that the policy gives for ${JSON.stringify(checkpoint.origin)} signed this`);
    if (this.hasWitnesses && !this.hasSeen(this.quorum as string, this.witnessesOf(note))) {
      throw new Refused("sealer-refuses", "expected the policy's witnesses on the checkpoint; wait for them");
    }
    return checkpoint;
  }

  private witnessesOf(note: Note): Set<VerifierKey> {
    const seen = new Set<VerifierKey>();
    for (const key of this.members.values()) {
      if (!("public" in key)) continue;
      for (const line of linesOf(note, key)) {
        if (line.signature.length !== 72) throw badNote(`expected 72 bytes of cosignature by ${key.name}`);
        const time = toBigInt(line.signature.subarray(0, 8));
        if (time > LARGEST_SIZE) throw badNote(`expected a time below 2^63 in the cosignature by ${key.name}`);
        verify(key, line.signature.subarray(8), utf8(`cosignature/v1\ntime ${time}\n${note.text}`));
        seen.add(key);
      }
    }
    return seen;
  }

  private hasSeen(name: string, seen: Set<VerifierKey>): boolean {
    const member = this.members.get(name);
    if (member === undefined) return false;
    if ("public" in member) return seen.has(member);
    return member.members.filter((one) => this.hasSeen(one, seen)).length >= member.threshold;
  }

  private take(words: string[]): void {
    const [first, second, third, ...more] = words;
    if (first === "#anchor" && second !== undefined && third !== undefined) this.addAnchor(second, third);
    if (first === undefined || first.startsWith("#")) return;
    if (first === "log" && second !== undefined && words.length <= 3) this.logs.push(this.newKey(second, LOG));
    else if (first === "quorum" && second !== undefined && words.length === 2) this.setQuorum(second);
    else if (first === "witness" && second !== undefined && third !== undefined && more.length <= 1) this.define(second, this.newKey(third, WITNESS));
    else if (first === "group" && second !== undefined && third !== undefined && more.length > 0) this.define(second, this.newGroup(third, more));
    else throw badPolicy(`expected log, witness, group or quorum, got ${JSON.stringify(first.slice(0, 20))}`);
  }

  private addAnchor(role: string, text: string): void {
    const der = unbase64(text);
    if (der === null) throw badPolicy(`expected a certificate in base64 for the role ${JSON.stringify(role.slice(0, 20))}`);
    this.anchors.set(role, [...this.anchorsOf(role), der]);
  }

  private setQuorum(name: string): void {
    if (this.quorum !== null) throw badPolicy("expected one quorum line, got a second");
    if (name !== "none" && !this.members.has(name)) throw badPolicy(`the quorum ${JSON.stringify(name)} is not defined above`);
    this.quorum = name;
  }

  private newKey(text: string, kind: number): VerifierKey {
    const key = readKey(text);
    const mark = `${kind} ${hex(key.public)}`;
    if (key.kind !== kind) throw badPolicy(`expected a key of type ${kind}, got type ${key.kind}`);
    if (this.keys.has(mark)) throw badPolicy(`the key of ${key.name} stands here twice`);
    this.keys.add(mark);
    return key;
  }

  private newGroup(count: string, members: string[]): Group {
    for (const name of members) {
      if (!this.members.has(name)) throw badPolicy(`the member ${JSON.stringify(name)} is not defined above`);
      if (this.used.has(name)) throw badPolicy(`${JSON.stringify(name)} is a member of a group already; one is enough`);
      this.used.add(name);
    }
    const threshold = count === "all" ? members.length : count === "any" ? 1 : /^[0-9]{1,3}$/.test(count) ? Number(count) : 0;
    if (threshold < 1 || threshold > members.length) throw badPolicy(`expected all, any or 1 to ${members.length}`);
    return { threshold, members };
  }

  private define(name: string, member: VerifierKey | Group): void {
    if (name === "none" || this.members.has(name)) throw badPolicy(`the name ${JSON.stringify(name)} is taken`);
    if (this.members.size >= 256) throw badPolicy("expected at most 256 witnesses and groups");
    this.members.set(name, member);
  }
}

const linesOf = (note: Note, key: VerifierKey): Line[] => note.lines.filter((line) => line.name === key.name && same(line.id, key.id));

function verify(key: VerifierKey, signature: Uint8Array, message: Uint8Array): void {
  let fits = false;
  try {
    // Strict: RFC 8032 with a canonical S and canonical points, not the lenient rule of ZIP 215.
    fits = ed25519.verify(signature, message, key.public, { zip215: false });
  } catch {
    fits = false;
  }
  if (!fits) throw badNote(`the signature of ${key.name} does not fit; the note was changed`);
}

// ---- the ledger's leaf (2.9)

export interface LeafOpening {
  origin: string;
  index: number;
  time_ms: number;
  salt: Bytes;
  body: Bytes;
}

/** The hash that stands in the tree for a leaf, recomputed from its opening. */
export function leafHash(opening: LeafOpening): Bytes {
  const commitment = sha256(concat(utf8("sunbid/commit/v1\0"), opening.salt, opening.body));
  const leaf = concat(new Uint8Array([1]), bigEndian(opening.time_ms, 8), commitment);
  return sha256(concat(new Uint8Array([0]), leaf));
}
