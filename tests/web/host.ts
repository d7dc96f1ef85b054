// A page of the platform in small: shows the sealing frame and hands its answers to the test.
import { FrameRefused, SealFrame } from "../../ui/sealing/host";
import type { Notice, Request, SealedBid } from "../../ui/sealing/protocol";

const told: Notice[] = [];
const element = document.querySelector("iframe") as HTMLIFrameElement;
const language = document.documentElement.lang === "en" ? "en" : "zh";
const connected = SealFrame.connect(element, language).then((frame) => {
  frame.listen((notice) => {
    told.push(notice);
    if (notice.notice === "height") element.height = String(notice.px);
  });
  return frame;
});

/** Sends the sealed files to the test and leaves out what cannot be printed. */
async function printable(value: unknown): Promise<unknown> {
  const bid = value as SealedBid | null;
  if (bid === null || typeof bid !== "object" || !("files" in bid)) return value;
  for (const sealed of bid.files) await fetch(`/sealed/${sealed.volume}`, { method: "POST", body: sealed.file });
  return { ...bid, files: bid.files.map(({ file, ...rest }) => ({ ...rest, bytes: file.size })) };
}

Object.assign(window, {
  told,
  ask: async (request: Request) => {
    try {
      return { ok: true, value: await printable(await (await connected).ask(request)) };
    } catch (error) {
      return { ok: false, problem: error instanceof FrameRefused ? error.problem : { code: "fault", message: String(error) } };
    }
  },
});
