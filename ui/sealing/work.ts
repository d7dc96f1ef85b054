// What the frame and its worker say to each other, and the worker's minimal view of its own world.
import type { Phase, SealedVolume } from "./protocol";
import type { Entry } from "./package";
import type { Bytes } from "./bytes";

export interface ChosenFile {
  name: string;
  file: File;
}

export interface SealWork {
  do: "seal";
  lot: string;
  uscc: string;
  /** The statement of the opening keys, as its file. */
  opening_keys: string;
  volumes: { volume: string; files: ChosenFile[] }[];
  /** The 16 bytes of the recovery code, as the person typed it. */
  code: Bytes;
  /** Further points that unwrap B besides the code's and the browser's, as the licence app's. */
  points: Bytes[];
  at: number;
}

export interface RehearseWork {
  do: "rehearse";
  lot: string;
  code: Bytes | null;
}

export type Work = SealWork | RehearseWork | { do: "pause" } | { do: "resume" };

export interface Shown {
  volume: string;
  tree: string;
  by: "browser-key" | "recovery-code";
  opens: boolean;
  reason: string | null;
}

export type Report =
  | { said: "progress"; volume: string; phase: Phase; done: number; total: number; overall: number }
  | { said: "sealed"; volumes: SealedVolume[] }
  | { said: "rehearsed"; found: Shown[] }
  | { said: "failed"; code: string; message: string };

/** A page's script for SM4 is slow (some 36 MB a second): above this the command is named. */
export const LARGEST_GM = 200_000_000;

export const entriesOf = (files: ChosenFile[]): Entry[] => files.map(({ name, file }) => ({ name, content: file }));
