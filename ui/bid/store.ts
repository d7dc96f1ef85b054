// What this browser keeps of a bidder's way, on the platform's origin: the draft that is not handed
// in, the uploads that were begun, the acts that went out. Keys stay in the sealing frame.
export interface DraftFile {
  volume: string;
  name: string;
  size: number;
  tree: string;
  parts: string[];
}

export interface Draft {
  key: string;
  lot: string;
  uscc: string;
  seq: number;
  manifest: Record<string, unknown>;
  sid: string;
  files: DraftFile[];
  /** Of a consortium's members, each checked when it was added. */
  signatures?: { uscc: string; signature: unknown }[];
  at: number;
}

export interface BegunUpload {
  tree: string;
  upload: string;
  secret: string;
}

export interface SentAct {
  sid: string;
  key: string;
  lot: string;
  seq: number;
  statement: { type: string; body: Record<string, unknown>; sigs: unknown[] };
  uploads: { upload: string; secret: string }[];
  /** open: whether it was taken in is not known yet; taken: the platform has it; refused. */
  state: "open" | "taken" | "refused";
  at: number;
}

interface Tables {
  drafts: Draft;
  uploads: BegunUpload;
  acts: SentAct;
  trust: { name: string; lines: string[] };
}

const KEYS: Record<keyof Tables, string> = { drafts: "key", uploads: "tree", acts: "sid", trust: "name" };

/** One bidder in one lot: a browser may serve several companies. */
export const keyOf = (lot: string, uscc: string): string => `${lot} ${uscc}`;

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((done, failed) => {
    const asked = indexedDB.open("sunbid-bids", 1);
    asked.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(KEYS)) asked.result.createObjectStore(name, { keyPath });
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error ?? new Error("no storage"));
  });
  return opened;
}

async function run<T>(name: keyof Tables, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  return new Promise((done, failed) => {
    const transaction = database.transaction(name, mode, { durability: "strict" });
    const asked = work(transaction.objectStore(name));
    transaction.oncomplete = () => done(asked.result);
    transaction.onabort = () => failed(transaction.error ?? new Error("storage"));
  });
}

export const get = <N extends keyof Tables>(name: N, key: string): Promise<Tables[N] | undefined> =>
  run(name, "readonly", (store) => store.get(key) as IDBRequest<Tables[N] | undefined>);

export const save = <N extends keyof Tables>(name: N, value: Tables[N]): Promise<unknown> =>
  run(name, "readwrite", (store) => store.put(value));

export const remove = (name: keyof Tables, key: string): Promise<unknown> =>
  run(name, "readwrite", (store) => store.delete(key));

/** The acts of one bidder in one lot, newest last. */
export async function actsOf(key: string): Promise<SentAct[]> {
  const all = await run("acts", "readonly", (store) => store.getAll() as IDBRequest<SentAct[]>);
  return all.filter((act) => act.key === key).sort((a, b) => a.at - b.at);
}
