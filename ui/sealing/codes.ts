// The recovery code, shown and typed inside the frame; it is kept nowhere.
import type { Bytes } from "./bytes";
import { b64 } from "./bytes";
import { button, el, saveAs } from "./dom";
import { find, keep } from "./keeping";
import { newSecret, readCode, recoveryKey, showCode } from "./recovery";
import { Refused } from "./refused";
import type { Screen } from "./screen";
import type { Suite } from "./suite";
import type { Speech } from "./words";

export const codeInput = (label: string): { field: HTMLElement; input: HTMLInputElement } => {
  const input = el("input", { class: "input code-input", id: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: "60" });
  return { field: el("p", {}, el("label", { for: "code" }, label), input), input };
};

const pointOf = (suite: Suite, secret: Bytes, lot: string): string => b64(recoveryKey(suite, secret, lot).public);

/** A code for the lot: a new one that was shown, or the one it has; the person types it from paper. */
export async function askCode(screen: Screen, suite: Suite, lot: string, caption: string): Promise<Bytes> {
  const kept = await find("codes", lot);
  let secret: Bytes | null = null;
  let wanted = kept?.point;
  if (wanted === undefined) {
    secret = newSecret();
    wanted = pointOf(suite, secret, lot);
    await showNew(screen, secret, lot, caption);
  }
  for (;;) {
    const typed = await askTyped(screen, suite, lot, wanted, caption, secret);
    if (typed !== null) {
      await keep("codes", { lot, point: wanted });
      return typed;
    }
    await showNew(screen, secret as Bytes, lot, caption);
  }
}

async function showNew(screen: Screen, secret: Bytes, lot: string, caption: string): Promise<void> {
  const { speech } = screen;
  const code = showCode(secret);
  const groups = code.split("-");
  const shown = el("ol", { class: "code-groups", "aria-label": speech.say("code_label") }, ...groups.map((group) => el("li", {}, group)));
  await screen.ask(speech.say("code_title"), caption, [el("p", {}, speech.say("code_text")), shown], speech.say("code_written"), () => true, [
    button(speech.say("code_file"), () => saveAs(codeFile(speech, code, lot), `recovery-code-${lot.slice(0, 8)}.txt`)),
    button(speech.say("code_print"), () => print()),
  ]);
}

/** The code and for which lot it is. Nothing of the bidder: who finds the file learns of no bid's author. */
const codeFile = (speech: Speech, code: string, lot: string): Blob =>
  // The code stands alone in the first line: there the commands look for it.
  new Blob([`${code}\n\n${speech.say("code_file_text", { lot })}\n`], { type: "text/plain;charset=utf-8" });

/** The typed code; null where the person wants to see it again. */
function askTyped(screen: Screen, suite: Suite, lot: string, wanted: string, caption: string, secret: Bytes | null): Promise<Bytes | null> {
  const { speech } = screen;
  const { field, input } = codeInput(speech.say("code_label"));
  return new Promise((done, stopped) => {
    const more = secret === null ? [] : [button(speech.say("code_show"), () => done(null))];
    const hint = el("p", {}, speech.say(secret === null ? "code_known" : "code_again"));
    const read = (): Bytes => {
      const typed = readCode(input.value);
      if (pointOf(suite, typed, lot) !== wanted) throw new Refused("recovery-code", speech.say("code_other"));
      return typed;
    };
    screen.ask(speech.say("code_again_title"), caption, [hint, field], speech.say("next"), read, more).then(done, stopped);
    input.focus();
  });
}
