// What a page must know of a consortium's bid without reading signatures: members, and who is missing.
import type { Company } from "../sealing/protocol";
import { sidOf } from "./statement";
import type { Draft } from "./store";
import { save } from "./store";

export const membersOf = (manifest: Record<string, unknown>): Company[] => manifest.consortium as Company[];

/** The members of a draft's bid whose signature is not here. */
export const unsignedBy = (draft: Draft): Company[] =>
  membersOf(draft.manifest).filter(({ uscc }) => !(draft.signatures ?? []).some((one) => one.uscc === uscc));

/** The draft with another list: what was signed was the list before, so those signatures are gone. */
export async function withManifest(draft: Draft, manifest: Record<string, unknown>): Promise<Draft> {
  const made = { ...draft, seq: Number(manifest.seq), manifest, sid: await sidOf("manifest", manifest), signatures: [] };
  await save("drafts", made);
  return made;
}

/**
 * The page of checking and the script of consortia, which only two pages load, tell each other of the
 * draft by events on the section: `shown` when the page has one, `changed` when it is another.
 */
export const tellDraft = (section: HTMLElement, name: "shown" | "changed", draft: Draft): boolean =>
  section.dispatchEvent(new CustomEvent(`draft-${name}`, { detail: draft }));

export function onDraft(section: HTMLElement, name: "shown" | "changed", told: (draft: Draft) => void): void {
  section.addEventListener(`draft-${name}`, (event) => told((event as CustomEvent<Draft>).detail));
}
