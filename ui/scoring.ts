// The expert's keyboard and the two type sizes. J and K change the bid, arrows the criterion, digits the score.
const SIZE_KEY = "type-size";

function startSizes(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>("[data-size-to]");
  const choose = (size: string): void => {
    document.documentElement.dataset.size = size;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.sizeTo === size)));
  };
  const kept = localStorage.getItem(SIZE_KEY);
  if (kept !== null && buttons.length > 0) choose(kept);
  buttons.forEach((button) =>
    button.addEventListener("click", () => {
      const size = button.dataset.sizeTo ?? "";
      localStorage.setItem(SIZE_KEY, size);
      choose(size);
    }),
  );
}

function changeBy(input: HTMLInputElement, steps: number): void {
  const step = Number(input.dataset.step ?? "0.1");
  const most = Number(input.dataset.most ?? "100");
  const places = step < 1 ? 1 : 0;
  const value = Math.min(most, Math.max(0, Number(input.value || "0") + steps * step));
  input.value = value.toFixed(places);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function followLink(selector: string): void {
  document.querySelector<HTMLAnchorElement>(selector)?.click();
}

function startKeys(score: HTMLInputElement): void {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      score.form?.dispatchEvent(new Event("draft:save"));
      return;
    }
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, textarea, select")) return;
    if (event.key === "j") followLink('[rel~="next"][data-bid]');
    else if (event.key === "k") followLink('[rel~="prev"][data-bid]');
    else if (event.key === "ArrowDown") followLink('[rel~="next"][data-criterion]');
    else if (event.key === "ArrowUp") followLink('[rel~="prev"][data-criterion]');
    else if (/^[0-9.]$/.test(event.key)) {
      score.focus();
      score.select();
      return;
    } else return;
    event.preventDefault();
  });
}

export function startScoring(): void {
  startSizes();
  const score = document.querySelector<HTMLInputElement>("[data-score]");
  if (score === null) return;
  document.querySelectorAll<HTMLButtonElement>("[data-change]").forEach((button) => {
    button.addEventListener("click", () => changeBy(score, Number(button.dataset.change)));
  });
  const count = document.querySelector<HTMLElement>("[data-count-of]");
  const reason = count === null ? null : document.getElementById(count.dataset.countOf ?? "");
  if (count !== null && reason instanceof HTMLTextAreaElement) {
    reason.addEventListener("input", () => { count.textContent = String(reason.value.length); });
  }
  startKeys(score);
}
