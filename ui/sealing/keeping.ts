// What the seal origin keeps in the browser: sealed files in the origin-private file system, records
// and the opening key of each lot in IndexedDB. No value of B, no package, no recovery code.
import type { Bytes } from "./bytes";
import { b64, hex, random, unb64, utf8 } from "./bytes";
import { concat } from "./bytes";
import type { Trust } from "./closing";
import * as gm from "./gm";
import { sha256 } from "./hashing";
import type { KeptState, SealedFile, SealedVolume } from "./protocol";
import { Refused } from "./refused";
import type { OwnKey, Suite } from "./suite";

const FOLDER = "sealed";

/** A sealed volume as it is kept; T alone opens nothing. */
export interface KeptVolume extends SealedVolume {
  lot: string;
  /** Its name in the private file system. */
  stored: string;
  parts: string[];
  t: string;
  saved: boolean;
  uscc: string;
  opening_keys: string;
}

/** The newest sealed bid of a lot. */
export interface KeptBid {
  lot: string;
  manifest: Record<string, unknown>;
  /** The trees that were sealed for it here; kept ones of an earlier bid are not among them. */
  trees: string[];
  /** The statement of the opening keys, as its file. */
  opening_keys: string;
  app_kid: string | null;
  /** Names of the volumes for people. */
  titles: Record<string, string>;
}

interface KeptKey {
  lot: string;
  suite: string;
  point: string;
  /** INTL-1: the private key itself, which cannot be exported; GM-1: the key that wraps the scalar. */
  key: CryptoKey;
  wrapped: { iv: Bytes; scalar: ArrayBuffer } | null;
}

interface KeptCode {
  lot: string;
  /** The recovery code's public point. */
  point: string;
}

interface Begun {
  lot: string;
  volume: string;
}

interface Stores {
  keys: KeptKey;
  codes: KeptCode;
  volumes: KeptVolume;
  bids: KeptBid;
  begun: Begun;
  machine: { id: "machine"; secret: Bytes };
  trusts: Trust;
}

const PATHS: Record<keyof Stores, string> = { keys: "lot", codes: "lot", volumes: "tree", bids: "lot", begun: "lot", machine: "id", trusts: "opening_keys" };

let opened: Promise<IDBDatabase> | null = null;

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });

function database(): Promise<IDBDatabase> {
  const request = indexedDB.open("sunbid-seal", 2);
  request.onupgradeneeded = () => {
    const made = request.result.objectStoreNames;
    for (const [name, keyPath] of Object.entries(PATHS)) if (!made.contains(name)) request.result.createObjectStore(name, { keyPath });
  };
  opened ??= settled(request);
  return opened;
}

async function store(name: keyof Stores, mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await database()).transaction(name, mode, { durability: "strict" }).objectStore(name);
}

export const find = async <Name extends keyof Stores>(name: Name, key: string): Promise<Stores[Name] | undefined> =>
  settled<Stores[Name] | undefined>((await store(name, "readonly")).get(key));

export const all = async <Name extends keyof Stores>(name: Name): Promise<Stores[Name][]> => settled<Stores[Name][]>((await store(name, "readonly")).getAll());

export async function keep<Name extends keyof Stores>(name: Name, value: Stores[Name]): Promise<void> {
  await settled((await store(name, "readwrite")).put(value));
}

export async function drop(name: keyof Stores, key: string): Promise<void> {
  await settled((await store(name, "readwrite")).delete(key));
}

/** Keeps whom to believe about a lot; what was kept first stands, only the schedule grows newer. */
export async function keepTrust(trust: Trust): Promise<void> {
  const kept = await find("trusts", trust.opening_keys);
  const version = Math.max(trust.schedule_version, kept?.schedule_version ?? 0);
  await keep("trusts", { ...(kept ?? trust), schedule_version: version });
}

// ---- sealed files

export const folder = async (): Promise<FileSystemDirectoryHandle> =>
  (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });

export const storedFile = async (name: string): Promise<File> => (await (await folder()).getFileHandle(name)).getFile();

/** Deletes what no record names: a sealing that was broken off left it. Only while nobody seals. */
export async function sweep(): Promise<void> {
  const named = new Set((await all("volumes")).map((volume) => volume.stored));
  const place = await folder();
  for await (const name of (place as unknown as { keys(): AsyncIterable<string> }).keys()) {
    if (!named.has(name)) await place.removeEntry(name);
  }
}

/** Refuses where the sealed files would not fit; the command line needs no room in a browser. */
export async function checkRoom(bytes: number): Promise<void> {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  if (quota - usage < bytes) {
    throw new Refused("no-room", `expected ${bytes} bytes of room in this browser, got ${Math.max(0, quota - usage)}; seal with the command instead: sunbid seal`);
  }
}

/** Whether this page may hold keys and files at all. */
export function checkContext(): void {
  if (!globalThis.isSecureContext || globalThis.crypto?.subtle === undefined || navigator.storage?.getDirectory === undefined || !("indexedDB" in globalThis)) {
    throw new Refused("no-secure-context", "expected a secure page (https) in a current browser; seal with the command instead: sunbid seal");
  }
}

// ---- the browser's opening key of a lot

/** The lot's own key of this browser, made on first use; its private half cannot be read out. */
export async function browserKey(lot: string, suite: Suite): Promise<OwnKey> {
  const kept = (await find("keys", lot)) ?? (await makeKey(lot, suite));
  if (kept.suite !== suite.name) throw new Refused("E_SUITE", `expected a key of ${suite.name}, got one of ${kept.suite}; the lot changed its suite`);
  return ownKey(kept);
}

export async function keptBrowserKey(lot: string): Promise<OwnKey | null> {
  const kept = await find("keys", lot);
  return kept === undefined ? null : ownKey(kept);
}

async function makeKey(lot: string, suite: Suite): Promise<KeptKey> {
  const made = suite.name === "INTL-1" ? await makeNative(lot) : await makeWrapped(lot, suite);
  await keep("keys", made);
  return made;
}

async function makeNative(lot: string): Promise<KeptKey> {
  const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const point = b64(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  return { lot, suite: "INTL-1", point, key: pair.privateKey, wrapped: null };
}

/** WebCrypto knows no SM2: the scalar lies wrapped by a key that cannot be exported. */
async function makeWrapped(lot: string, suite: Suite): Promise<KeptKey> {
  const seed = random(suite.ephemeralLength);
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = random(12);
  const scalar = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, seed);
  return { lot, suite: suite.name, point: b64(suite.keyFrom(seed).public), key, wrapped: { iv, scalar } };
}

function ownKey(kept: KeptKey): OwnKey {
  return { public: unb64(kept.point, 65), exchange: (point) => (kept.wrapped === null ? nativeExchange(kept.key, point) : wrappedExchange(kept, point)) };
}

async function nativeExchange(key: CryptoKey, point: Bytes): Promise<Bytes> {
  const other = await crypto.subtle.importKey("raw", point, { name: "ECDH", namedCurve: "P-256" }, false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: other }, key, 256));
}

async function wrappedExchange(kept: KeptKey, point: Bytes): Promise<Bytes> {
  const { iv, scalar } = kept.wrapped as { iv: Bytes; scalar: ArrayBuffer };
  const seed = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, kept.key, scalar));
  return gm.exchange(gm.scalarFrom(seed), point);
}

/** A code of this browser, from which nothing about it can be read; a page cannot see the machine. */
export async function machineCode(): Promise<string> {
  let kept = await find("machine", "machine");
  if (kept === undefined) {
    kept = { id: "machine", secret: random(32) };
    await keep("machine", kept);
  }
  const digits = hex(sha256(concat(utf8("sunbid/machine-code/v1\0web\n"), kept.secret))).slice(0, 24);
  return `WEB-${(digits.match(/.{4}/g) as string[]).join("-").toUpperCase()}`;
}

// ---- what a page may know of it

export async function stateOf(lot: string): Promise<KeptState> {
  const bid = await find("bids", lot);
  const volumes = bid === undefined ? [] : await volumesOf(bid);
  return {
    lot,
    opening_keys: (bid?.manifest.opening_keys as string | undefined) ?? null,
    seq: (bid?.manifest.seq as number | undefined) ?? null,
    volumes: volumes.map(({ volume, tree, size, saved }) => ({ volume, tree, size, saved })),
    has_key: (await find("keys", lot)) !== undefined,
    code_confirmed: (await find("codes", lot)) !== undefined,
    interrupted: (await find("begun", lot)) !== undefined,
  };
}

/** Every volume of a bid whose sealed file lies here, those of earlier versions included. */
export async function volumesOf(bid: KeptBid): Promise<KeptVolume[]> {
  const listed = (bid.manifest.envelopes as SealedVolume[]).map((envelope) => envelope.tree);
  const found = (await all("volumes")).filter((one) => listed.includes(one.tree));
  return found.sort((a, b) => listed.indexOf(a.tree) - listed.indexOf(b.tree));
}

export async function filesOf(bid: KeptBid): Promise<SealedFile[]> {
  const found: SealedFile[] = [];
  for (const tree of bid.trees) {
    const kept = await find("volumes", tree);
    if (kept === undefined) throw new Refused("E_TREE", `expected the sealed file ${tree.slice(0, 16)}… in this browser, got none; seal again`);
    const file = await storedFile(kept.stored);
    found.push({ volume: kept.volume, name: `${kept.volume}.tbe`, size: kept.size, tree, parts: kept.parts, file });
  }
  return found;
}

/** Deletes the newest bid of a lot and its files; keys stay, earlier bids may need them. */
export async function forget(lot: string): Promise<void> {
  const bid = await find("bids", lot);
  for (const tree of bid?.trees ?? []) await dropVolume(tree);
  await drop("bids", lot);
  await drop("begun", lot);
}

async function dropVolume(tree: string): Promise<void> {
  const kept = await find("volumes", tree);
  if (kept === undefined) return;
  await drop("volumes", tree);
  await (await folder()).removeEntry(kept.stored).catch(() => undefined);
}
