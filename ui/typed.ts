// What a person has typed, ticked or unfolded outlives a page that fetches itself anew.
type Field = HTMLInputElement | HTMLTextAreaElement;

const FIELDS = "form textarea, form input:not([type=hidden])";
const TICKED = new Set(["checkbox", "radio"]);

/** The same field of the same form, for the same thing: two objections have a form each. */
function keyOf(field: Field): string {
  const hidden = field.form?.querySelectorAll<HTMLInputElement>("input[type=hidden]:not([name=_csrf])") ?? [];
  const about = [...hidden].map((one) => one.value);
  const value = TICKED.has(field.type) ? field.value : "";
  return [field.form?.getAttribute("action"), ...about, field.name, value].join("\n");
}

function isTicked(field: Field): field is HTMLInputElement {
  return TICKED.has(field.type);
}

/** Notes what stands in the forms of a part of the page; the answer puts it into the new part. */
export function keepTyped(part: HTMLElement): (fresh: HTMLElement) => void {
  const values = new Map<string, string | boolean>();
  part.querySelectorAll<Field>(FIELDS).forEach((field) => {
    values.set(keyOf(field), isTicked(field) ? field.checked : field.value);
  });
  const opened = new Set([...part.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
  const active = document.activeElement;
  const focused = active instanceof HTMLElement && part.contains(active) && active.matches(FIELDS) ? (active as Field) : null;
  const place = focused === null ? null : { key: keyOf(focused), at: isTicked(focused) ? null : focused.selectionStart };

  return (fresh) => {
    fresh.querySelectorAll("details > summary").forEach((one) => {
      if (opened.has(one.textContent)) one.parentElement?.setAttribute("open", "");
    });
    fresh.querySelectorAll<Field>(FIELDS).forEach((field) => {
      const value = values.get(keyOf(field));
      if (typeof value === "boolean" && isTicked(field)) field.checked = value;
      else if (typeof value === "string") field.value = value;
      if (place?.key !== keyOf(field)) return;
      field.focus({ preventScroll: true });
      if (place.at !== null && field instanceof HTMLTextAreaElement) field.setSelectionRange(place.at, place.at);
    });
  };
}
