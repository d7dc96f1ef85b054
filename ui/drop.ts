// Dropping a receipt or package on the verify page; without script the form's own button does it.
type Htmx = typeof import("htmx.org").default;

export function startDropZone(htmx: Htmx): void {
  const zone = document.querySelector<HTMLFormElement>("form[data-drop]");
  const input = zone?.querySelector<HTMLInputElement>('input[type="file"]');
  if (zone === null || input === null || input === undefined) return;
  const send = (): void => {
    if (input.files === null || input.files.length === 0) return;
    void htmx.ajax("POST", zone.action, { source: zone, target: "#result", select: "#result", swap: "outerHTML" });
  };
  input.addEventListener("change", send);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.dataset.over = "";
    });
  }
  zone.addEventListener("dragleave", () => { delete zone.dataset.over; });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    if (event.dataTransfer === null || event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    send();
  });
}
