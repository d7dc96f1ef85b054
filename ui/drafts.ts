// Autosave: a form marked `data-draft` is sent to the server shortly after each change, and the time
// that the server kept it is shown. What could not be sent stays in the page and is tried again.
const AFTER_MS = 700;
const AGAIN_MS = 5_000;

interface Saved {
  saved_at: string;
}

function clockOf(at: string): string {
  return new Date(Date.parse(at) + 8 * 3_600_000).toISOString().slice(11, 19);
}

class Draft {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly shown: HTMLElement | null;
  unsent = false;

  constructor(private readonly form: HTMLFormElement) {
    this.shown = document.querySelector<HTMLElement>("[data-saving]");
    form.addEventListener("input", () => this.later(AFTER_MS));
    form.addEventListener("draft:save", () => this.later(0));
  }

  later(ms: number): void {
    this.unsent = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), ms);
  }

  private show(state: string, text: string): void {
    if (this.shown === null) return;
    this.shown.dataset.state = state;
    this.shown.textContent = text;
  }

  async save(): Promise<void> {
    const words = this.shown?.dataset ?? {};
    this.show("info", words.saving ?? "");
    try {
      const answer = await fetch(this.form.dataset.draft ?? "", {
        method: "POST",
        body: new FormData(this.form),
        headers: { accept: "application/json" },
      });
      if (!answer.ok) {
        const problem = (await answer.json()) as { detail?: string; title?: string };
        this.show("bad", problem.detail ?? problem.title ?? "");
        return;
      }
      const saved = (await answer.json()) as Saved;
      this.unsent = false;
      this.show("ok", (words.saved ?? "").replace("{time}", clockOf(saved.saved_at)));
    } catch {
      this.show("warn", words.offline ?? "");
      this.timer = setTimeout(() => void this.save(), AGAIN_MS);
    }
  }
}

export function startDrafts(): void {
  const drafts = [...document.querySelectorAll<HTMLFormElement>("form[data-draft]")].map((form) => new Draft(form));
  if (drafts.length === 0) return;
  window.addEventListener("beforeunload", (event) => {
    if (drafts.some((draft) => draft.unsent)) event.preventDefault();
  });
}
