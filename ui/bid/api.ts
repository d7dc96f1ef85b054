// Asking the platform: JSON in, JSON out, refusals as problems. No answer is a problem of status 0.
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: Record<string, unknown> = {},
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Whether nobody can know yet what became of the request. */
  get isUnknown(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** What a refused answer says, in whatever form it came. */
export function problemOf(status: number, text: string, retryAfter: string | null): ApiProblem {
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A proxy's page, not ours: the status says enough.
  }
  const said = [body.title, body.detail].filter((one) => typeof one === "string").join(" ");
  const seconds = Number(retryAfter ?? body.retry_after ?? NaN);
  const code = typeof body.code === "string" ? body.code : String(status);
  return new ApiProblem(status, code, said || code, body, Number.isFinite(seconds) ? seconds : null);
}

export async function ask<T>(
  csrf: string,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, {
      method,
      cache: "no-store",
      headers: {
        accept: "application/json",
        ...(method === "GET" ? {} : { "x-csrf-token": csrf }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await answer.text();
  } catch (error) {
    throw new ApiProblem(0, "offline", error instanceof Error ? error.message : "offline");
  }
  if (!answer.ok) throw problemOf(answer.status, text, answer.headers.get("retry-after"));
  return (text === "" ? null : JSON.parse(text)) as T;
}
