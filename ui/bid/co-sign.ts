// A member of a consortium signs the list of the joint bid. The file is read in this page; what the
// phone signs comes back to it, and the platform keeps nothing of either.
import type { Company } from "../sealing/protocol";
import { ask } from "./api";
import type { JointList, KnownLot } from "./joint-list";
import { NotThis, grouped, knownLot, listFile, readList, whyNot } from "./joint-list";
import type { Words } from "./place";
import { bytes, clockOf, part, put, say } from "./place";
import { sidOf } from "./statement";
import type { SentAct } from "./store";

const TREE_SHOWN = 16;
const KEYS_SHOWN = 20;

export function startCoSign(): void {
  const page = part(document, "[data-co-sign]");
  if (page !== null) void new CoSign(page).start();
}

class CoSign {
  private readonly words: Words;
  private list: JointList | null = null;

  constructor(private readonly page: HTMLElement) {
    this.words = JSON.parse(page.dataset.words ?? "{}") as Words;
  }

  async start(): Promise<void> {
    if (this.page.dataset.challenge) return this.fetchSigned(this.page.dataset.challenge);
    const picked = part<HTMLInputElement>(this.page, "#list");
    picked?.addEventListener("change", () => {
      const [file] = picked.files ?? [];
      if (file !== undefined) void this.open(file);
      picked.value = "";
    });
    part(this.page, "[data-sign]")?.addEventListener("click", () => void this.sign());
  }

  private fail(error: unknown): void {
    put(part(this.page, "[data-fault]"), whyNot(this.words, error));
  }

  private async open(file: File): Promise<void> {
    const shown = part(this.page, "[data-list]");
    put(part(this.page, "[data-fault]"), null);
    if (shown !== null) shown.hidden = true;
    this.list = null;
    try {
      const list = await readList(file);
      this.checkNamed(list);
      const lot = await knownLot(list.body.lot, this.page.dataset.demo !== undefined);
      checkLot(list, lot);
      this.draw(list, lot, await this.titleOf(list.body.lot));
      this.list = list;
      if (shown !== null) shown.hidden = false;
      part(this.page, "[data-list-title]")?.focus();
    } catch (error) {
      this.fail(error);
    }
  }

  private checkNamed({ body }: JointList): void {
    const { uscc } = this.page.dataset;
    if (body.bidder.uscc === uscc) throw new NotThis("you_lead");
    if (!body.consortium.some((one) => one.uscc === uscc)) throw new NotThis("not_named", { uscc: uscc ?? "" });
  }

  private async titleOf(lot: string): Promise<[string, string]> {
    const { lot: shown } = await ask<{ lot: { title: string; tender_number: string; tender_title?: string } }>("", "GET", `/api/v1/lots/${lot}`);
    return [shown.tender_number, shown.title];
  }

  private draw({ statement, body }: JointList, lot: KnownLot, [number, title]: [string, string]): void {
    const company = ({ name, uscc }: Company): string => say(this.words, "company", { name, uscc });
    const facts: Record<string, string> = {
      lead: company(body.bidder),
      members: body.consortium.map(company).join("；"),
      tender: number,
      lot: title,
      deadline: clockOf(lot.schedule.deadline),
      seq: String(body.seq),
      keys: grouped(body.opening_keys.slice(0, KEYS_SHOWN)),
      sid: grouped(statement.sid),
    };
    for (const [name, text] of Object.entries(facts)) put(part(this.page, `[data-fact="${name}"]`), text);
    const titles = JSON.parse(this.page.dataset.volumes ?? "{}") as Words;
    const rows = body.envelopes.map((one) => {
      const row = document.createElement("tr");
      const head = Object.assign(document.createElement("th"), { scope: "row", textContent: titles[one.volume] ?? one.volume });
      const cells = [bytes(one.size), grouped(one.tree.slice(0, TREE_SHOWN))].map((text) => Object.assign(document.createElement("td"), { textContent: text }));
      cells[1]?.classList.add("digest");
      row.append(head, ...cells);
      return row;
    });
    part(this.page, "[data-volumes-of-list]")?.replaceChildren(...rows);
    const own = body.consortium.find((one) => one.uscc === this.page.dataset.uscc);
    const { name = "" } = this.page.dataset;
    put(part(this.page, "[data-other-name]"), own === undefined || own.name === name ? null : say(this.words, "other_name", { listed: own.name, name }));
  }

  private async sign(): Promise<void> {
    if (this.list === null) return;
    const { type, body } = this.list.statement;
    const button = part<HTMLButtonElement>(this.page, "[data-sign]");
    if (button !== null) button.disabled = true;
    try {
      const asked = { purpose: "sign", statement: { type, body }, return_to: location.pathname };
      const made = await ask<{ id: string }>(this.page.dataset.csrf ?? "", "POST", "/api/v1/challenges", asked);
      location.assign(`/sign/${made.id}`);
    } catch (error) {
      this.fail(error);
      if (button !== null) button.disabled = false;
    }
  }

  /** After the phone: the signature as a file for the lead. */
  private async fetchSigned(challenge: string): Promise<void> {
    const link = part<HTMLAnchorElement>(this.page, "[data-signature]");
    try {
      const path = `/api/v1/challenges/${challenge}/signature`;
      const { statement } = await ask<{ statement: SentAct["statement"] }>(this.page.dataset.csrf ?? "", "POST", path);
      const sid = await sidOf(statement.type, statement.body);
      put(part(this.page, "[data-fact='sid']"), grouped(sid));
      if (link !== null) {
        link.href = URL.createObjectURL(listFile(statement.body, statement.sigs));
        link.download = say(this.words, "signature_name", { uscc: this.page.dataset.uscc ?? "", sid: sid.slice(0, 8) });
      }
      const done = part(this.page, "[data-signed]");
      if (done !== null) done.hidden = false;
      link?.focus();
    } catch {
      this.fail(new NotThis("signature_gone"));
      const again = part(this.page, "[data-again]");
      if (again !== null) again.hidden = false;
    }
  }
}

/** Refuses a list that the platform would not take now, for what anyone can see of it. */
function checkLot({ body }: JointList, lot: KnownLot): void {
  if (body.tender !== lot.tender || body.round !== lot.round) throw new NotThis("unknown_lot");
  if (body.opening_keys !== lot.keys.sid) throw new NotThis("old_keys");
  const volumes = body.envelopes.map((one) => one.volume).sort();
  if (volumes.join() !== [...lot.volumes].sort().join()) throw new NotThis("other_volumes");
  if (lot.at >= Date.parse(lot.schedule.deadline)) throw new NotThis("closed");
}
