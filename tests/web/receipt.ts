// The browser's own check of a receipt, asked line by line from a test.
import { readPolicy, verifyReceipt } from "../../ui/bid/receipt";
import type { ReceiptFile } from "../../ui/bid/receipt";

declare const require: (name: "node:readline") => { createInterface(from: unknown): AsyncIterable<string> };
declare const process: { stdin: unknown; stdout: { write(text: string): void } };

interface Question {
  file: ReceiptFile;
  sid: string;
  policy: string;
}

async function level({ file, sid, policy }: Question): Promise<string> {
  try {
    return (await verifyReceipt(file, sid, await readPolicy(policy))).level;
  } catch (error) {
    return error instanceof Error ? error.message : "fault";
  }
}

void (async () => {
  for await (const line of require("node:readline").createInterface({ input: process.stdin })) {
    process.stdout.write(`${await level(JSON.parse(line) as Question)}\n`);
  }
})();
