// Requests to the machine that serves the page, repeated where another try may be answered better.

import { Failure } from "./protocol.ts";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;
/** Ten minutes of a network that is away, which is how long the server waits for a device. Tries
 * are counted, not minutes: a page that sleeps makes none. */
const TRIES = 150;
const HINT = "reload the page";
const WORTH_REPEATING = new Set([408, 429, 502, 503, 504]);

/** The answer, whatever it is, that no other try would change. `heard` is told after each try
 * whether there was one; each ends after `limitMs`, its body included. A Failure where the last one
 * was in vain too. */
export async function ask(
  url: string,
  options?: RequestInit,
  heard: (answered: boolean) => void = () => undefined,
  tries = TRIES,
  limitMs?: number,
): Promise<Response> {
  for (let tried = 1, wait = FIRST_WAIT_MS; ; tried++, wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    let why: string;
    let asked = 0;
    try {
      const signal = limitMs === undefined ? null : AbortSignal.timeout(limitMs);
      const response = await fetch(url, { ...options, signal });
      heard(true);
      if (!WORTH_REPEATING.has(response.status)) return response;
      why = `the answer is ${response.status}`;
      asked = Number(response.headers.get("Retry-After") ?? 0) * 1e3;
    } catch (e) {
      heard(false);
      why = String(e);
    }
    if (tried === tries) throw new Failure(`${nameOf(url)}: ${why}, ${tries} times`, HINT);
    await new Promise((resolve) => setTimeout(resolve, Math.max(wait, asked)));
  }
}

/** What an answer that is no success says, as the end of a job. */
export async function refusal(response: Response): Promise<Failure> {
  const answer = (await response.json().catch(() => ({}))) as { error?: unknown };
  const words = typeof answer.error === "string" ? `: ${answer.error}` : "";
  return new Failure(`${nameOf(response.url)}: the answer is ${response.status}${words}`, HINT);
}

/** Without the token, which is nobody's business. */
function nameOf(url: string): string {
  return new URL(url).pathname.split("/").slice(2).join("/");
}
