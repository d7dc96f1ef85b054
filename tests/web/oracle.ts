// The sealing modules of the browser, answering tests: one JSON question a line, one JSON answer.
import { BulkHere } from "../../ui/sealing/bulk";
import { b64, concat, hex, unb64, unhex, utf8 } from "../../ui/sealing/bytes";
import type { Bytes } from "../../ui/sealing/bytes";
import { canonical, parse } from "../../ui/sealing/canonical";
import { checkForLot, joinHead, readHead, readHeader, LARGEST_HEAD } from "../../ui/sealing/envelope";
import * as gm from "../../ui/sealing/gm";
import { sha256 } from "../../ui/sealing/hashing";
import { checkOpening, trustOf } from "../../ui/sealing/closing";
import { checkMaterial, readMaterial } from "../../ui/sealing/material";
import { Policy, checkLeaf, readKey, readNote, readProof } from "../../ui/sealing/notes";
import { LotKeys } from "../../ui/sealing/opening-keys";
import { PartHasher } from "../../ui/sealing/parts";
import type { Source } from "../../ui/sealing/payload";
import { decrypt, encrypt, payloadKeys } from "../../ui/sealing/payload";
import { readCode, recoveryKey, showCode } from "../../ui/sealing/recovery";
import { Refused } from "../../ui/sealing/refused";
import type { Stored } from "../../ui/sealing/sealing";
import { rehearse, sealPackage, writeEnvelope } from "../../ui/sealing/sealing";
import { Deal, combine, inputKey } from "../../ui/sealing/shares";
import type { DealtRole } from "../../ui/sealing/shares";
import { Statement, checkSignature, kidOf, sidOf } from "../../ui/sealing/statements";
import { Sm4Gcm } from "../../ui/sealing/sm4";
import { derive, suiteOf } from "../../ui/sealing/suite";
import { deriveScalar, exchange } from "../../ui/sealing/suite-intl";
import { checkInclusion, hashLeaf, rootOf } from "../../ui/sealing/tree";
import { compareDeal, unwrapB } from "../../ui/sealing/wraps";

// Only what this file needs of node.
interface Files {
  openSync(path: string, flags: string): number;
  closeSync(file: number): void;
  readSync(file: number, into: Uint8Array, at: number, length: number, position: number): number;
  writeSync(file: number, from: Uint8Array): number;
  fstatSync(file: number): { size: number };
}
declare const require: (name: "node:fs" | "node:readline") => unknown;
declare const process: { stdin: unknown; stdout: { write(text: string): void } };
const fs = require("node:fs") as Files;

const bulk = new BulkHere();

type Question = Record<string, never> & { ask: string };

/** Byte number i of the plaintext of the vectors is i mod 251. */
function pattern(length: number): Source {
  const bytes = new Uint8Array(251 * 4000).map((_, i) => i % 251);
  let at = 0;
  return (most) => {
    const count = Math.min(most, length - at, bytes.length - 251);
    const begin = at % 251;
    at += count;
    return Promise.resolve(bytes.slice(begin, begin + count));
  };
}

function fileSource(path: string): Source {
  const file = fs.openSync(path, "r");
  let at = 0;
  return (most) => {
    const block = new Uint8Array(most);
    const count = fs.readSync(file, block, 0, most, at);
    at += count;
    return Promise.resolve(block.slice(0, count));
  };
}

function stored(path: string): Stored {
  const file = fs.openSync(path, "r");
  return {
    size: fs.fstatSync(file).size,
    read: (at, most) => {
      const block = new Uint8Array(most);
      return Promise.resolve(block.slice(0, fs.readSync(file, block, 0, most, at)));
    },
  };
}

async function writing<T>(path: string, write: (sink: (block: Bytes) => Promise<void>) => Promise<T>): Promise<T> {
  const file = fs.openSync(path, "wx");
  try {
    return await write((block) => {
      fs.writeSync(file, block);
      return Promise.resolve();
    });
  } finally {
    fs.closeSync(file);
  }
}

const keysOf = (text: string): LotKeys => new LotKeys(Statement.read(utf8(text)));
const points = (given: string[]): Bytes[] => given.map((point) => unhex(point));

const ANSWERS: Record<string, (q: any) => unknown> = {
  canonical: (q) => new TextDecoder().decode(canonical(parse(unb64(q.raw), 1 << 22))),
  sid: (q) => sidOf(q.type, parse(utf8(q.body), 1 << 20) as Record<string, unknown>),
  statement: async (q) => {
    const made = Statement.read(utf8(q.file));
    const raw = unb64(q.public);
    for (const one of made.sigs) await checkSignature(one.alg, { kind: q.kind, raw }, made.signedBytes, one.sig);
    return { sid: made.sid, sigs: made.sigs.length };
  },
  signature: async (q) => {
    await checkSignature(q.alg, { kind: q.alg, raw: unhex(q.public) }, unhex(q.message), unhex(q.sig));
    return true;
  },
  kid: (q) => kidOf(unhex(q.public)),
  deal: (q) => {
    const made = new Deal(suiteOf(q.suite), { t: unhex(q.t), b: unhex(q.b) }, unhex(q.header_hash));
    const of = (role: DealtRole) => ({
      coefficients: Array.from({ length: q.k - 1 }, (_, j) => hex(made.coefficient(role, j + 1))),
      shares: made.shares(role, q.k, q.n).map(hex),
    });
    const highest = new Map(made.shares("T", q.k, q.n).map((share, at) => [at + 1, share] as const).slice(q.n - q.k));
    return { seed: hex(made.seed), T: of("T"), R: of("R"), combined: hex(combine(highest, q.k)) };
  },
  envelope: async (q) => {
    const header = readHeader(utf8(q.header));
    const fresh = { halves: { t: unhex(q.t), b: unhex(q.b) }, salt: unhex(q.salt) };
    const keys = keysOf(q.keys);
    const made = await writing(q.out, (sink) => writeEnvelope(pattern(header.plain_len), header, fresh, keys, points(q.points), sink, bulk));
    const suite = made.head.suite;
    const ikey = inputKey(suite, fresh.halves, made.head.headerHash);
    const payload = payloadKeys(suite, ikey, fresh.salt, made.head.payloadContext);
    const deal = new Deal(suite, fresh.halves, made.head.headerHash);
    return {
      header_hash: hex(made.head.headerHash),
      wraps_hash: hex(made.head.wrapsHash),
      wraps: new TextDecoder().decode(made.head.wrapsBytes),
      seed: hex(deal.seed),
      ephemeral_seeds: Object.fromEntries((q.seeds as string[]).map((name) => [name, hex(deal.ephemeral(name[0] as DealtRole, Number(name.slice(1))))])),
      input_key: hex(ikey),
      key: hex(payload.key),
      base_nonce: hex(payload.baseNonce),
      commitment: hex(payload.commitment),
      size: made.head.size,
      tree: made.tree,
    };
  },
  seal: async (q) => {
    const keys = keysOf(q.keys);
    return writing(q.out, (sink) => sealPackage(fileSource(q.package), q.length, keys, q.volume, q.uscc, points(q.points), sink, bulk));
  },
  open: async (q) => {
    const file = stored(q.file);
    const head = readHead(await file.read(0, LARGEST_HEAD), file.size);
    checkForLot(head, keysOf(q.keys));
    const own = q.code === undefined ? head.suite.keyFrom(unhex(q.seed)) : recoveryKey(head.suite, readCode(q.code), head.header.lot);
    const b = await unwrapB(head.binding, head.wraps, own);
    let at = head.payloadOffset;
    const source: Source = async (most) => {
      const block = await file.read(at, Math.max(most, 1));
      at += block.length;
      return block;
    };
    const hasher = new PartHasher(bulk);
    let length = 0;
    const ikey = inputKey(head.suite, { t: unb64(q.t), b }, head.headerHash);
    await decrypt(source, head.header.cipher_len, head.suite, ikey, head.payloadContext, async (block) => {
      length += block.length;
      await hasher.update(block);
    }, bulk);
    return { length, tree: (await hasher.finish()).tree };
  },
  payload: async (q) => {
    const suite = suiteOf(q.suite);
    const keys = payloadKeys(suite, unhex(q.input_key), unhex(q.salt), unhex(q.context));
    const blocks: Bytes[] = [];
    await encrypt(pattern(q.plain_len), q.plain_len, suite, keys, unhex(q.salt), (block) => {
      blocks.push(block.slice());
      return Promise.resolve();
    }, bulk);
    const made = concat(...blocks);
    const parts = { key: hex(keys.key), base_nonce: hex(keys.baseNonce), commitment: hex(keys.commitment) };
    return { ...parts, cipher_len: made.length, payload_sha256: hex(sha256(made)) };
  },
  rehearse: async (q) => {
    const keys = keysOf(q.keys);
    const suite = suiteOf(keys.body.suite);
    const own = (q.seeds as string[]).map((seed) => suite.keyFrom(unhex(seed)));
    await rehearse(stored(q.file), q.recorded, keys, own, q.uscc, () => undefined, bulk);
    return true;
  },
  head: async (q) => {
    const raw = unb64(q.raw);
    checkForLot(readHead(raw.slice(0, LARGEST_HEAD), raw.length), keysOf(q.keys));
    return true;
  },
  redeal: async (q) => {
    const head = joinHead(utf8(q.header), utf8(q.wraps));
    return compareDeal(head.binding, { t: unhex(q.t), b: unhex(q.b) }, keysOf(q.keys), head.wraps);
  },
  wrap: async (q) => {
    const suite = suiteOf(q.suite);
    const key = suite.keyFrom(unhex(q.private_seed));
    const made = await suite.seal(key.public, unhex(q.info), unhex(q.value), unhex(q.ephemeral_seed));
    return { public: hex(key.public), wrap: hex(made), value: hex(await suite.open(key, unhex(q.info), made)) };
  },
  unwrap: async (q) => {
    const suite = suiteOf(q.suite);
    return hex(await suite.open(suite.keyFrom(unhex(q.private_seed)), unhex(q.info), unhex(q.wrap)));
  },
  recovery: (q) => {
    const secret = readCode(q.code);
    return { secret: hex(secret), code: showCode(secret), public: hex(recoveryKey(suiteOf(q.suite), secret, q.lot).public) };
  },
  answer: (q) => hex(sha256(concat(utf8("tbe1/drill-answer/v1\0"), unhex(q.opening_keys), unhex(q.nonce), unhex(q.challenge)))),
  list_root: (q) => hex(rootOf((q.entries as string[]).map((entry) => hashLeaf(utf8(entry))))),
  opening: async (q) => {
    const heads = (q.heads as { tree: string; header: string; wraps: string }[]).map(({ tree, header, wraps }) => ({ tree, head: joinHead(unb64(header), unb64(wraps)) }));
    const trust = trustOf(readMaterial(q.kept));
    return checkOpening({ material: readMaterial(q.material), shown: q.shown, stage: q.stage, heads }, trust, q.at);
  },
  material: async (q) => {
    const checked = await checkMaterial(readMaterial(q.text), q.expected, q.at, q.demo);
    return { sid: checked.keys.sid, schedule: checked.scheduleSid, volumes: checked.volumes, remarks: checked.remarks };
  },
  policy: (q) => new Policy(q.text).hasWitnesses,
  note: (q) => Number(new Policy(q.policy).check(readNote(q.note)).size),
  key: (q) => readKey(q.text).name,
  proof: (q) => Number(checkLeaf(readProof(q.text), unb64(q.leaf)).size),
  inclusion: (q) => {
    checkInclusion(unhex(q.leaf), BigInt(q.index), BigInt(q.size), (q.proof as string[]).map((one) => unhex(one)), unhex(q.root));
    return true;
  },
  hkdf: (q) => hex(derive(suiteOf(q.suite), unhex(q.salt), unhex(q.ikm), unhex(q.info), q.length)),
  sm3: (q) => hex(gm.sm3(unhex(q.message))),
  sm4_gcm: (q) => hex(new Sm4Gcm(unhex(q.key)).seal(unhex(q.nonce), unhex(q.plain))),
  sm4_gcm_open: (q) => {
    const found = new Sm4Gcm(unhex(q.key)).open(unhex(q.nonce), unhex(q.sealed));
    return found === null ? null : hex(found);
  },
  sm2_decrypt: (q) => {
    const wrapped = unhex(q.wrapped);
    const found = gm.decrypt(gm.exchange(BigInt(`0x${q.scalar}`), wrapped.slice(0, 65)), wrapped);
    return found === null ? null : hex(found);
  },
  key_pair: (q) => {
    const scalar = deriveScalar(unhex(q.ikm));
    return { scalar: hex(scalar), public: hex(suiteOf("INTL-1").keyFrom(unhex(q.ikm)).public) };
  },
  ecdh: (q) => {
    suiteOf("INTL-1").checkPoint(unhex(q.public));
    return hex(exchange(unhex(q.scalar), unhex(q.public)));
  },
  mac: (q) => hex(suiteOf(q.suite).kdf.extract(unhex(q.key), unhex(q.message))),
  chunked: async (q) => {
    const raw = unb64(q.raw);
    let at = 0;
    const source: Source = (most) => {
      const block = raw.slice(at, at + most);
      at += block.length;
      return Promise.resolve(block);
    };
    const blocks: Bytes[] = [];
    await decrypt(source, raw.length, suiteOf(q.suite), unhex(q.key), unhex(q.context), (block) => {
      blocks.push(block.slice());
      return Promise.resolve();
    }, bulk);
    return b64(concat(...blocks));
  },
  b64: (q) => b64(unhex(q.raw)),
};

async function answer(question: Question): Promise<unknown> {
  try {
    return { ok: true, value: await ANSWERS[question.ask]?.(question) };
  } catch (error) {
    const code = error instanceof Refused ? error.code : "fault";
    return { ok: false, code, message: error instanceof Error ? error.message : String(error) };
  }
}

const lines = (require("node:readline") as { createInterface(from: unknown): AsyncIterable<string> }).createInterface({ input: process.stdin });
void (async () => {
  for await (const line of lines) process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Question))}\n`);
})();
