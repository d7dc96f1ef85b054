// The package of a volume: the plaintext zip, written as it is sealed and never stored. Entries are
// stored, not deflated: so its length is known before the first byte, as the header needs it.
import type { Bytes } from "./bytes";
import { concat, utf8 } from "./bytes";
import type { Json } from "./canonical";
import { canonical, timeText } from "./canonical";
import { Crc32 } from "./crc";
import { CLIENT } from "./envelope";
import type { Source } from "./payload";
import { Refused } from "./refused";

export const NOTE_NAME = "sunbid-package.json";
export const ITEMS_NAME = "open-items.json";
const PRICE_VOLUME = "price";
const LARGEST_SMALL = 65_536;
const MOST_ENTRIES = 10_000;
const LARGEST_TOTAL = 20 * 1024 ** 3;
/** Small, since every piece is a buffer of its own until the browser collects it. */
const READ = 1024 * 1024;
const ZIP64 = 0xffffffff;

const words = (text: string): Set<string> => new Set(text.split(" "));
const EXECUTABLES = words(
  "apk app bat bin class cmd com cpl dll dmg elf exe gadget hta jar js jse lnk msc msi msp ocx pif ps1 psm1 py rb reg scr sh so sys url vb vbe vbs vxd ws wsc wsf wsh",
);
const MACROS = words("docm dotm xlsm xltm xlam xlsb pptm potm ppam ppsm sldm");
const FOREIGN = words("7z rar tar gz bz2 xz zst cab iso img vhd vhdx");
const EXECUTABLE_STARTS = ["4d5a", "7f454c46", "cafebabe", "cffaedfe", "cefaedfe", "2321", "4c00000001140200"];
const OLE = "d0cf11e0a1b11ae1";
const OLE_MACROS = ["_VBA_PROJECT", "VBA\0\0"].map((mark) => Uint8Array.from([...mark].flatMap((char) => [char.charCodeAt(0), 0])));

const badPackage = (message: string): Refused => new Refused("package-bad", message);

/** What can be read in pieces: a chosen file, or bytes in memory. */
export interface Content {
  size: number;
  stream?(): ReadableStream<Bytes>;
  slice(begin: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A file of a volume under its name in the package. */
export interface Entry {
  name: string;
  content: Content;
}

/** A name in a package as its reader demands it: NFC, relative. */
export const packageName = (path: string): string => path.normalize("NFC");

const endingOf = (name: string): string => (name.includes(".") ? (name.split(".").at(-1) as string).toLowerCase() : "");

/** Refuses names that the reader of packages would refuse at the opening. */
export function checkNames(entries: Entry[]): void {
  if (entries.length === 0) throw badPackage("expected a folder with files, got an empty one");
  if (entries.length > MOST_ENTRIES) throw badPackage(`expected at most ${MOST_ENTRIES} entries, got ${entries.length}`);
  const seen = new Set<string>();
  for (const { name } of entries) {
    const segments = name.split("/");
    // eslint-disable-next-line no-control-regex
    if (/[\\:\u0000-\u001f\u007f]/.test(name) || segments.some((one) => one === "" || one === "." || one === "..")) {
      throw badPackage(`expected relative names without \`..\`, got ${JSON.stringify(name.slice(0, 80))}`);
    }
    const folded = name.toLowerCase();
    if (seen.has(folded)) throw badPackage(`expected each name once (also when case is ignored): ${JSON.stringify(name.slice(0, 80))}`);
    seen.add(folded);
    checkKind(name);
  }
  const total = entries.reduce((sum, entry) => sum + entry.content.size, 0);
  if (total > LARGEST_TOTAL) throw badPackage(`expected at most ${LARGEST_TOTAL} bytes, got ${total}`);
}

function checkKind(name: string): void {
  const last = (name.split("/").at(-1) as string).toLowerCase();
  const ending = endingOf(last);
  if (EXECUTABLES.has(ending)) throw badPackage(`expected no executable, got ${JSON.stringify(name)}`);
  if (MACROS.has(ending) || last === "vbaproject.bin" || last === "vbadata.xml") throw badPackage(`expected no macro, got ${JSON.stringify(name)}; save it without macros`);
  if (FOREIGN.has(ending)) throw badPackage(`expected files or zip, got another archive: ${JSON.stringify(name)}`);
}

async function bytesOf(content: Content, begin: number, end: number): Promise<Bytes> {
  try {
    return new Uint8Array(await content.slice(begin, end).arrayBuffer());
  } catch {
    throw changedSource();
  }
}

const changedSource = (): Refused => new Refused("source-changed", "a chosen file cannot be read any more; it was moved or changed: choose the folder again");

/** A file piece by piece; each piece is overwritten by the next where the browser lets us keep one buffer. */
async function* pieces(content: Content): AsyncGenerator<Bytes, void> {
  const reader = byobReader(content);
  if (reader === null) {
    for (let at = 0; at < content.size; at += READ) yield await bytesOf(content, at, Math.min(at + READ, content.size));
    return;
  }
  let buffer = new ArrayBuffer(READ);
  let left = content.size;
  while (left > 0) {
    const { value } = await reader.read(new Uint8Array(buffer)).catch(() => ({ value: undefined }));
    if (value === undefined || value.length === 0) throw changedSource();
    left -= value.length;
    yield value;
    buffer = value.buffer;
  }
  await reader.cancel();
}

function byobReader(content: Content): ReadableStreamBYOBReader | null {
  try {
    return content.size === 0 ? null : (content.stream?.().getReader({ mode: "byob" }) ?? null);
  } catch {
    return null; // not every browser gives files as byte streams
  }
}

/** The CRC of one file, and its content against the rules for packages. */
async function inspect(entry: Entry, progress: (bytes: number) => void): Promise<number> {
  const crc = new Crc32();
  let isOle = false;
  let tail: Uint8Array = new Uint8Array();
  let isFirst = true;
  for await (const block of pieces(entry.content)) {
    if (isFirst) {
      isFirst = false;
      const start = Array.from(block.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
      if (EXECUTABLE_STARTS.some((one) => start.startsWith(one))) throw badPackage(`expected no executable, got ${JSON.stringify(entry.name)}`);
      isOle = start === OLE;
      if (start.startsWith("504b0304")) await checkInnerNames(entry);
    }
    // Names of storages in the directory of an old Office file.
    if (isOle && OLE_MACROS.some((mark) => contains(concat(tail, block), mark))) throw badPackage(`expected no macro, got ${JSON.stringify(entry.name)}; save it without macros`);
    tail = block.slice(-64);
    crc.update(block);
    progress(block.length);
  }
  return crc.value;
}

function contains(bytes: Uint8Array, mark: Uint8Array): boolean {
  for (let at = bytes.indexOf(mark[0]!); at >= 0; at = bytes.indexOf(mark[0]!, at + 1)) {
    if (mark.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

/** Names in the directory of a zip inside (also of new Office files), where it is near the end. */
async function checkInnerNames(entry: Entry): Promise<void> {
  const { size } = entry.content;
  const end = await bytesOf(entry.content, Math.max(0, size - 65_557), size);
  const view = new DataView(end.buffer);
  let at = end.length - 22;
  while (at >= 0 && view.getUint32(at, true) !== 0x06054b50) at -= 1;
  if (at < 0) return;
  const [length, begin] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  if (begin + length > size || length > 16 * 1024 * 1024) return;
  const directory = await bytesOf(entry.content, begin, begin + length);
  const rows = new DataView(directory.buffer);
  for (let row = 0; row + 46 <= directory.length && rows.getUint32(row, true) === 0x02014b50; ) {
    const [name, extra, comment] = [rows.getUint16(row + 28, true), rows.getUint16(row + 30, true), rows.getUint16(row + 32, true)];
    if (rows.getUint16(row + 8, true) & 1) throw badPackage(`expected no encrypted entry in ${JSON.stringify(entry.name)}`);
    checkKind(new TextDecoder().decode(directory.subarray(row + 46, row + 46 + name)));
    row += 46 + name + extra + comment;
  }
}

/** Reads the line that is read aloud; refuses a price that is no decimal text. */
export function checkItems(raw: Bytes): Record<string, Json> {
  const items = smallObject(raw, ITEMS_NAME);
  const price = items.price_yuan;
  if (typeof price !== "string" || !/^[0-9]{1,15}(?:\.[0-9]{1,2})?$/.test(price) || !/[1-9]/.test(price)) {
    throw badPackage(`expected "price_yuan" in ${ITEMS_NAME} as text with at most two decimals, such as "12345678.90"`);
  }
  return items;
}

function smallObject(raw: Bytes, name: string): Record<string, Json> {
  if (raw.length > LARGEST_SMALL) throw badPackage(`expected at most ${LARGEST_SMALL} bytes in ${name}, got more`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
    canonical(value);
  } catch {
    throw badPackage(`expected JSON with text, whole numbers and no fractions in ${name}, got something else`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badPackage(`expected an object in ${name}`);
  return value as Record<string, Json>;
}

const small = (content: Bytes): Content => ({
  size: content.length,
  slice: (begin, end) => ({ arrayBuffer: () => Promise.resolve(content.slice(begin, end).buffer) }),
});

/** What is missing or wrong in a volume's files, before anything is read to its end. */
export async function checkVolume(volume: string, entries: Entry[]): Promise<void> {
  checkNames(entries);
  const items = entries.find((entry) => entry.name === ITEMS_NAME);
  if (items === undefined) {
    if (volume !== PRICE_VOLUME) return;
    throw badPackage(`expected ${ITEMS_NAME} in the volume ${PRICE_VOLUME}: the line that is read aloud at the opening, such as {"price_yuan": "12345678.90", "duration_days": 65}`);
  }
  checkItems(await bytesOf(items.content, 0, Math.min(items.content.size, LARGEST_SMALL + 1)));
}

/** A volume whose files were read once: its entries with their sums, ready to be streamed. */
export class Package {
  private constructor(private readonly entries: (Entry & { crc: number; at: number })[]) {}

  /** Adds the client's note and writes `open-items.json` canonically, as the command does. */
  static async read(volume: string, entries: Entry[], machine: string, at: number, progress: (bytes: number) => void): Promise<Package> {
    await checkVolume(volume, entries);
    const files = new Map(entries.map((entry) => [entry.name, entry.content]));
    const items = files.get(ITEMS_NAME);
    if (items !== undefined) files.set(ITEMS_NAME, small(canonical(checkItems(await bytesOf(items, 0, items.size)))));
    const note = { v: 1, machine_code: machine, client: CLIENT, made_at: timeText(at) };
    files.set(NOTE_NAME, small(canonical(note)));
    const made: (Entry & { crc: number; at: number })[] = [];
    let place = 0;
    for (const name of [...files.keys()].sort()) {
      const entry = { name, content: files.get(name) as Content };
      made.push({ ...entry, crc: await inspect(entry, progress), at: place });
      place += localHeader(name, 0, entry.content.size).length + entry.content.size;
    }
    return new Package(made);
  }

  /** Length of the whole zip. */
  get length(): number {
    const last = this.entries.at(-1) as Entry & { at: number };
    return last.at + localHeader(last.name, 0, last.content.size).length + last.content.size + this.directory().length;
  }

  /** The zip from its beginning; refuses a file that is not what was read before. */
  source(): Source {
    const stream = this.stream();
    return async () => {
      const next = await stream.next();
      return next.done === true ? new Uint8Array() : next.value;
    };
  }

  private async *stream(): AsyncGenerator<Bytes, void> {
    for (const entry of this.entries) {
      yield localHeader(entry.name, entry.crc, entry.content.size);
      const crc = new Crc32();
      for await (const block of pieces(entry.content)) {
        crc.update(block);
        yield block;
      }
      if (crc.value !== entry.crc) throw new Refused("source-changed", `${entry.name} changed while it was sealed; nothing was kept: choose the folder again`);
    }
    yield this.directory();
  }

  private directory(): Bytes {
    const rows = this.entries.map((entry) => centralHeader(entry.name, entry.crc, entry.content.size, entry.at));
    const last = this.entries.at(-1) as Entry & { at: number };
    const begin = last.at + localHeader(last.name, 0, last.content.size).length + last.content.size;
    return concat(...rows, endOfDirectory(rows.length, concat(...rows).length, begin));
  }
}

/** Little-endian fields: [bytes, value] each. */
function fieldsOf(...values: [2 | 4 | 8, number][]): Bytes {
  const made = new DataView(new ArrayBuffer(values.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of values) {
    if (bytes === 2) made.setUint16(at, value, true);
    else if (bytes === 4) made.setUint32(at, value, true);
    else made.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return new Uint8Array(made.buffer);
}

// Bit 11: the name is UTF-8. The date is the first that zip knows: times are not kept.
const FLAGS = 0x0800;
const FIRST_DAY = 0x0021;

function localHeader(name: string, crc: number, size: number): Bytes {
  const raw = utf8(name);
  const large = size >= ZIP64;
  const extra = large ? fieldsOf([2, 1], [2, 16], [8, size], [8, size]) : new Uint8Array();
  const shown = large ? ZIP64 : size;
  return concat(
    fieldsOf([4, 0x04034b50], [2, large ? 45 : 20], [2, FLAGS], [2, 0], [2, 0], [2, FIRST_DAY], [4, crc], [4, shown], [4, shown], [2, raw.length], [2, extra.length]),
    raw,
    extra,
  );
}

function centralHeader(name: string, crc: number, size: number, at: number): Bytes {
  const raw = utf8(name);
  const large: [8, number][] = [...(size >= ZIP64 ? ([[8, size], [8, size]] as [8, number][]) : []), ...(at >= ZIP64 ? ([[8, at]] as [8, number][]) : [])];
  const extra = large.length === 0 ? new Uint8Array() : fieldsOf([2, 1], [2, 8 * large.length], ...large);
  const shown = Math.min(size, ZIP64);
  // Made by Unix (3), a regular file of mode 644.
  const mode = 0o100644 * 65_536;
  return concat(
    fieldsOf([4, 0x02014b50], [2, 0x032d], [2, large.length > 0 ? 45 : 20], [2, FLAGS], [2, 0], [2, 0], [2, FIRST_DAY], [4, crc], [4, shown], [4, shown]),
    fieldsOf([2, raw.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, mode], [4, Math.min(at, ZIP64)]),
    raw,
    extra,
  );
}

function endOfDirectory(count: number, length: number, begin: number): Bytes {
  const large = begin >= ZIP64;
  const more = large
    ? concat(
        fieldsOf([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, length], [8, begin]),
        fieldsOf([4, 0x07064b50], [4, 0], [8, begin + length], [4, 1]),
      )
    : new Uint8Array();
  return concat(more, fieldsOf([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, Math.min(begin, ZIP64)], [2, 0]));
}
