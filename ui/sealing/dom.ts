// Elements without HTML text: nothing that came from outside is ever parsed as markup.
type Child = Node | string | null;
type Attributes = Record<string, string | boolean | (() => void)>;

export function el<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const icon = (name: string): HTMLElement => el("i", { class: `icon i-${name}`, "aria-hidden": "true" });

export const button = (words: string, click: () => void, kind = ""): HTMLButtonElement =>
  el("button", { class: "button", type: "button", click, ...(kind === "" ? {} : { "data-kind": kind }) }, words);

/** Has the browser save something as a file. */
export function saveAs(content: Blob, name: string): void {
  const link = el("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const tag = (state: "ok" | "warn" | "bad" | "info", words: string): HTMLElement =>
  el("span", { class: "tag", "data-state": state }, icon({ ok: "check", warn: "warn", bad: "cross", info: "clock" }[state]), words);
