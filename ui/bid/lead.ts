// The lead's part of a consortium's bid, on the page of checking: members, list, their signatures.
import type { Company } from "../sealing/protocol";
import { membersOf, onDraft, tellDraft, unsignedBy, withManifest } from "./consortium";
import type { CompanySignature, JointList } from "./joint-list";
import { MOST_MEMBERS, NotThis, knownLot, listFile, readList, readMembers, signaturesOf, whyNot } from "./joint-list";
import type { Place, Words } from "./place";
import { part, placeOf, put, say } from "./place";
import type { Draft } from "./store";
import { save } from "./store";

export function startLead(): void {
  const section = part(document, "[data-joint]");
  const place = placeOf(part(document, "[data-bid]"));
  if (section !== null && place !== null) onDraft(section, "shown", (draft) => new Lead(place, section, draft).start());
}

class Lead {
  private readonly words: Words;

  constructor(
    private readonly place: Place,
    private readonly section: HTMLElement,
    private draft: Draft,
  ) {
    this.words = JSON.parse(section.dataset.words ?? "{}") as Words;
  }

  start(): void {
    const form = part<HTMLFormElement>(this.section, "[data-members]");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.rename();
    });
    part(this.section, "[data-add]")?.addEventListener("click", () => this.addRow({ uscc: "", name: "" }, true));
    const picked = part<HTMLInputElement>(this.section, "#signatures");
    picked?.addEventListener("change", () => void this.take(picked));
    const members = membersOf(this.draft.manifest);
    for (const one of members.length > 0 ? members : [{ uscc: "", name: "" }]) this.addRow(one, false);
    this.draw();
  }

  // ---- members

  private rows(): HTMLElement[] {
    return [...this.section.querySelectorAll<HTMLElement>("[data-member]")];
  }

  private addRow(member: Company, isAsked: boolean): void {
    const list = part(this.section, "[data-rows]");
    const made = part<HTMLTemplateElement>(this.section, "template")?.content.firstElementChild?.cloneNode(true);
    if (list === null || !(made instanceof HTMLElement)) return;
    const [name, uscc] = [...made.querySelectorAll("input")] as [HTMLInputElement, HTMLInputElement];
    name.value = member.name;
    uscc.value = member.uscc;
    part(made, "[data-drop]")?.addEventListener("click", () => {
      made.remove();
      this.number();
      part(this.section, "[data-add]")?.focus();
    });
    list.append(made);
    this.number();
    if (isAsked) name.focus();
  }

  /** Each row says which member it is, for who cannot see that it is the second. */
  private number(): void {
    const rows = this.rows();
    rows.forEach((row, at) => row.setAttribute("aria-label", say(this.words, "member", { n: at + 1 })));
    const add = part<HTMLButtonElement>(this.section, "[data-add]");
    if (add !== null) add.disabled = rows.length >= MOST_MEMBERS;
  }

  private async rename(): Promise<void> {
    const fault = part(this.section, "[data-members-fault]");
    put(fault, null);
    const typed = this.rows().map((row) => {
      const [name, uscc] = [...row.querySelectorAll("input")] as [HTMLInputElement, HTMLInputElement];
      return { name: name.value, uscc: uscc.value };
    });
    try {
      const consortium = readMembers(typed, this.place.uscc);
      if (JSON.stringify(consortium) !== JSON.stringify(membersOf(this.draft.manifest))) {
        await this.renew({ ...this.draft.manifest, consortium });
      }
      const details = part<HTMLDetailsElement>(this.section, "details");
      if (details !== null && consortium.length > 0) {
        details.open = false;
        part(this.section, "[data-list]")?.focus();
      }
    } catch (error) {
      put(fault, whyNot(this.words, error));
      const row = error instanceof NotThis ? this.rows()[Number(error.values.n) - 1] : undefined;
      row?.querySelectorAll("input")[error instanceof NotThis && error.key === "name_missing" ? 0 : 1]?.focus();
    }
  }

  private async renew(manifest: Record<string, unknown>): Promise<void> {
    const lost = (this.draft.signatures ?? []).length > 0;
    this.draft = await withManifest(this.draft, manifest);
    this.tell(lost ? [say(this.words, "list_changed")] : []);
    this.draw();
    tellDraft(this.section, "changed", this.draft);
  }

  // ---- signatures

  private async take(picked: HTMLInputElement): Promise<void> {
    const said: string[] = [];
    for (const file of [...(picked.files ?? [])]) {
      try {
        said.push(await this.add(await readList(file)));
      } catch (error) {
        said.push(say(this.words, "of_file", { name: file.name, why: whyNot(this.words, error) }));
      }
    }
    // The same file may be picked again after it was mended.
    picked.value = "";
    this.tell(said);
    this.draw();
    tellDraft(this.section, "changed", this.draft);
  }

  private async add(list: JointList): Promise<string> {
    if (list.statement.sid !== this.draft.sid) {
      throw new NotThis(list.body.bidder.uscc === this.place.uscc ? "other_version" : "other_list");
    }
    const lot = await knownLot(this.place.lot, this.section.dataset.demo !== undefined);
    const members = membersOf(this.draft.manifest);
    const found = (await signaturesOf(list, lot)).filter(({ uscc }) => uscc !== this.place.uscc);
    if (found.length === 0) throw new NotThis("unsigned");
    const others = (this.draft.signatures ?? []).filter((one) => !found.some(({ uscc }) => uscc === one.uscc));
    const signatures: CompanySignature[] = [...others, ...found];
    this.draft = { ...this.draft, signatures };
    await save("drafts", this.draft);
    const names = members.filter((one) => found.some(({ uscc }) => uscc === one.uscc)).map((one) => one.name);
    return say(this.words, "taken", { names: names.join("、") });
  }

  private tell(lines: string[]): void {
    const place = part(this.section, "[data-found]");
    place?.replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  private draw(): void {
    const members = membersOf(this.draft.manifest);
    const signing = part(this.section, "[data-signing]");
    if (signing !== null) signing.hidden = members.length === 0;
    const details = part<HTMLDetailsElement>(this.section, "details");
    put(details === null ? null : part(details, "summary"), say(this.words, members.length === 0 ? "begin" : "change"));
    const waiting = unsignedBy(this.draft);
    const lines = members.map((one) => memberLine(one, !waiting.includes(one), this.words));
    part(this.section, "[data-states]")?.replaceChildren(...lines);
    const link = part<HTMLAnchorElement>(this.section, "[data-list]");
    if (link === null || members.length === 0) return;
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(listFile(this.draft.manifest, []));
    link.download = say(this.words, "list_name", { seq: this.draft.seq, sid: this.draft.sid.slice(0, 8) });
  }
}

function memberLine(member: Company, isSigned: boolean, words: Words): HTMLElement {
  const line = document.createElement("li");
  line.dataset.state = isSigned ? "ok" : "bad";
  const mark = document.createElement("i");
  mark.className = `icon ${isSigned ? "i-done" : "i-cross"}`;
  mark.setAttribute("aria-hidden", "true");
  const text = document.createElement("div");
  const name = Object.assign(document.createElement("p"), { textContent: member.name, lang: "zh-CN" });
  const state = say(words, isSigned ? "signed" : "not_signed");
  const note = Object.assign(document.createElement("p"), { className: "caption", textContent: `${member.uscc}　${state}` });
  text.append(name, note);
  line.append(mark, text);
  return line;
}
