// The page's line to the machine that serves it: jobs come from there, rows go back.
//
// What the server answers stands in the toolkit, `targets/web/__init__.py`. Rows are numbered by
// job (`seq`), kept until the server says that they arrived, and sent again where they did not: so
// none is lost and none counts twice.

import { PROTOCOL, type Row } from "./protocol.ts";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;
const MOST_ROWS = 500; // of one request

/** The seat is closed: nothing more will come, and nothing more is taken. */
export class Closed extends Error {}

/** The page and its server speak different versions of the protocol. */
export class Stale extends Error {}

export type Message = Record<string, unknown>;

export class Link {
  readonly #base: string;
  readonly #onState: (connected: boolean) => void;

  constructor(base: string, onState: (connected: boolean) => void) {
    this.#base = base;
    this.#onState = onState;
  }

  /** What comes after the job `have`: another one, or the word to stop it; undefined: not yet. */
  async job(have: string): Promise<Message | undefined> {
    const response = await this.request(
      `job?have=${encodeURIComponent(have)}&protocol=${PROTOCOL}`,
    );
    return response.status === 200 ? ((await response.json()) as Message) : undefined;
  }

  sender(id: string): Sender {
    return new Sender((body) =>
      this.request(`rows/${encodeURIComponent(id)}`, { method: "POST", body }),
    );
  }

  /** The page lives, and has nothing to say. */
  async seen(): Promise<void> {
    await fetch(`${this.#base}seen`, { method: "POST" }).catch(() => undefined);
  }

  /** Repeated until there is an answer that is one: 2xx, or a refusal for whoever asked. */
  async request(path: string, options?: RequestInit): Promise<Response> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      const response = await this.#once(path, options);
      if (response !== undefined && response.status < 429) {
        if (response.status === 410 || response.status === 404)
          throw new Closed(await words(response));
        if (response.status === 426) throw new Stale();
        return response;
      }
      const asked = Number(response?.headers.get("Retry-After") ?? 0) * 1e3;
      await new Promise((resolve) => setTimeout(resolve, Math.max(wait, asked)));
    }
  }

  async #once(path: string, options?: RequestInit): Promise<Response | undefined> {
    try {
      const response = await fetch(this.#base + path, { ...options, cache: "no-store" });
      this.#onState(true);
      return response;
    } catch {
      this.#onState(false);
      return undefined;
    }
  }
}

async function words(response: Response): Promise<string> {
  const answer = (await response.json().catch(() => ({}))) as { words?: string };
  return answer.words ?? "";
}

type Post = (body: string) => Promise<Response>;

/** The rows of one job on their way. */
export class Sender {
  /** Whether the server still takes rows of this job. */
  taken = true;
  #first = 0; // the `seq` of the first row that waits
  #waiting: string[] = [];
  #sending: Promise<void> | undefined;
  readonly #post: Post;

  constructor(post: Post) {
    this.#post = post;
  }

  add(row: Row): void {
    const seq = this.#first + this.#waiting.length;
    this.#waiting.push(JSON.stringify({ protocol: PROTOCOL, seq, ...row }) + "\n");
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  /** Ends when every row has arrived, or none is taken any more. */
  async arrived(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.taken && this.#waiting.length > 0) {
      const response = await this.#post(this.#waiting.slice(0, MOST_ROWS).join(""));
      if (response.ok) {
        const { next } = (await response.json()) as { next: number };
        this.#waiting.splice(0, next - this.#first);
        this.#first = next;
      } else this.taken = false; // over, given out anew, or refused: the server knows
    }
  }
}
