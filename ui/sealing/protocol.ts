// What a page of the platform and the sealing frame say to each other, version 1.
//
// The frame lives on its own origin (`seal.<host>`; on loopback the next port) and holds every
// secret of a bidder. Only the handshake goes through `postMessage`, with exact target origins on
// both sides; everything after it goes through one MessagePort that came with `hello`:
//
//   frame → page   {sunbid: "seal-frame", v: 1, verb: "ready"}      when it stands, and to each knock
//   page  → frame  {sunbid: "seal-frame", v: 1, verb: "knock"}      a page that started later
//   page  → frame  {sunbid: "seal-frame", v: 1, verb: "hello", language}  with the port
//
// On the port: the page asks `Request`s with an id, the frame answers each with one `Answer` of the
// same id; `Notice`s come in between. No secret crosses, but the B values of `release`.

export const PROTOCOL = "seal-frame";
export const VERSION = 1;
export const PART = 4_194_304;

export type Language = "zh" | "en";

export type Handshake =
  | { sunbid: typeof PROTOCOL; v: typeof VERSION; verb: "ready" | "knock" }
  | { sunbid: typeof PROTOCOL; v: typeof VERSION; verb: "hello"; language: Language };

// ---- what the page asks

export interface Company {
  uscc: string;
  name: string;
}

/** An envelope as a manifest names it (3.7). */
export interface SealedVolume {
  volume: string;
  tree: string;
  size: number;
  header_hash: string;
  wraps_hash: string;
  plain_len: number;
  bidder_salt: string;
}

/** A per-lot key made in the licence app (5.2); its private half never leaves the app. */
export interface AppKey {
  kid: string;
  pk: string;
}

/** `seal`: check the lot, let the person pick folders, seal. Answered when all stands sealed. */
export interface SealRequest {
  verb: "seal";
  /** As `GET /api/v1/lots/{lot}/sealing-material` gave it, as text. */
  material: string;
  /** Names of the volumes for people; a volume without one is shown by its code. */
  titles?: Record<string, string>;
  bidder: Company;
  consortium: Company[];
  mandate: string | null;
  seq: number;
  prev: string | null;
  /** Envelopes of the earlier manifest that stay as they are; their volumes are not asked for. */
  kept: SealedVolume[];
  /** The sid of the opening keys printed in the published tender document, where the page knows it. */
  expected: string | null;
  app_key: AppKey | null;
  /** The platform runs as a demonstration; real opening keys are refused then, and the reverse. */
  demo: boolean;
}

/** `files`: the newest sealed bid of a lot again, as `seal` answered it (after a reload). */
export interface FilesRequest {
  verb: "files";
  lot: string;
}

/** `state`: what this browser keeps for a lot. */
export interface StateRequest {
  verb: "state";
  lot: string;
}

/** `rehearse`: open every kept sealed file on trial, in the frame; nothing is sent. */
export interface RehearseRequest {
  verb: "rehearse";
  lot: string;
}

/** Header and wraps of one sealed file, base64url, for a browser that does not hold the file. */
export interface HeadBytes {
  tree: string;
  header: string;
  wraps: string;
}

/**
 * `release`: the person releases B of these envelopes in the frame, by key or recovery code. The
 * frame verifies the closing itself, by what it kept at sealing; where it kept nothing of the lot,
 * by `material`, and then only with the recovery code.
 */
export interface ReleaseRequest {
  verb: "release";
  /** As `GET /api/v1/lots/{lot}/sealing-material` gives it now, as text. */
  material: string;
  /** The closing, its own entry and their proofs, as `GET /api/v1/lots/{lot}/own-heads` gives them. */
  shown: unknown;
  stage: number;
  heads: HeadBytes[];
}

/**
 * `forget`: delete a draft (the newest sealed bid of a lot) and its files. The person is asked in the
 * frame, and may cancel.
 */
export interface ForgetRequest {
  verb: "forget";
  lot: string;
}

export type Request =
  | SealRequest
  | FilesRequest
  | StateRequest
  | RehearseRequest
  | ReleaseRequest
  | ForgetRequest;

export type Asked = Request & { id: number };

// ---- what the frame answers

export interface SealedFile {
  volume: string;
  name: string;
  size: number;
  tree: string;
  /** `Part-Hash` of each part of 4 MiB, hex, in order. */
  parts: string[];
  /** The sealed bytes, from the frame's private storage; the page only uploads them. */
  file: File;
}

export interface SealedBid {
  lot: string;
  /** The body of the manifest (3.7), unsigned. */
  manifest: Record<string, unknown>;
  /** The envelopes that were sealed here; kept ones need no upload and are left out. */
  files: SealedFile[];
}

export interface KeptVolume {
  volume: string;
  tree: string;
  size: number;
  /** The person saved the sealed file outside of the browser. */
  saved: boolean;
}

export interface KeptState {
  lot: string;
  /** sid of the opening keys for which the newest bid was sealed; null before a first one. */
  opening_keys: string | null;
  seq: number | null;
  volumes: KeptVolume[];
  /** This browser holds its own opening key of the lot. */
  has_key: boolean;
  /** The person typed the recovery code once, from paper. */
  code_confirmed: boolean;
  /** A sealing was begun and not finished; it has to begin again with fresh keys. */
  interrupted: boolean;
}

export type OpenedBy = "browser-key" | "app-key" | "recovery-code";

export interface Rehearsed {
  volume: string;
  tree: string;
  by: OpenedBy;
  opens: boolean;
  /** Why it does not open, for the person. */
  reason: string | null;
}

export interface TreeValue {
  tree: string;
  value: string;
}

/** What was released, and for which closing: the one that the frame verified. */
export interface Released {
  closing: string;
  values: TreeValue[];
}

export interface Answers {
  seal: SealedBid;
  files: SealedBid | null;
  state: KeptState;
  rehearse: Rehearsed[];
  release: Released;
  forget: null;
}

/** A refusal, with the codes of the platform's own refusals; `cancelled` when the person stopped. */
export interface Problem {
  code: string;
  message: string;
}

export type Answer<Verb extends Request["verb"] = Request["verb"]> =
  | { id: number; ok: true; value: Answers[Verb] }
  | { id: number; ok: false; problem: Problem };

// ---- what the frame says by itself

export type Phase = "read" | "seal" | "check";

/** Where a sealing stands; the fourth phase, the upload, is the page's. */
export interface Progress {
  notice: "progress";
  volume: string;
  phase: Phase;
  /** Bytes of this phase of this volume. */
  done: number;
  total: number;
  /** Over all volumes and phases. */
  overall: number;
  bytes_per_second: number;
  seconds_left: number | null;
  paused: boolean;
}

/** A file was saved or a code confirmed: what is kept has changed. */
export interface Changed {
  notice: "changed";
  state: KeptState;
}

/** How high the frame's content is, so that the page can show it without a second scroll bar. */
export interface Height {
  notice: "height";
  px: number;
}

export type Notice = Progress | Changed | Height;
