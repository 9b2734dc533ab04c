// The page's line to the machine that serves it: jobs come from there, rows go back.
//
// What the server answers stands in the toolkit, `targets/web/__init__.py`. Rows are numbered by
// job (`seq`), kept until the server says that they arrived, and sent again where they did not: so
// none is lost and none counts twice. Where they can't be delivered their job ends, with a row that
// says why.

import { Failure, PROTOCOL, type Row } from "./protocol.ts";
import { ask, refusal } from "./requests.ts";

const OVER = new Set([400, 409]); // a job that is over for the server: failed, or given out anew
const MOST_ROWS = 500; // of one request
const MOST_CHARACTERS = 300_000; // of one request, three bytes each at most: 1 MiB is taken
const LIMIT_MS = 30_000; // the server answers within 20 s

/** The seat is closed: nothing more will come, and nothing more is taken. */
export class Closed extends Error {}

/** The page and its server speak different versions of the protocol. */
export class Stale extends Error {}

export type Message = Record<string, unknown>;

export class Link {
  readonly #base: string;
  readonly #page = loadName();
  readonly #onState: (connected: boolean) => void;
  #saying = false;

  constructor(base: string, onState: (connected: boolean) => void) {
    this.#base = base;
    this.#onState = onState;
  }

  /** What comes after the job `have`: another one, or the word to stop it; undefined: not yet. */
  async job(have: string): Promise<Message | undefined> {
    const response = await this.request(
      `job?have=${encodeURIComponent(have)}&page=${this.#page}&protocol=${PROTOCOL}`,
    );
    if (!response.ok) throw await refusal(response);
    return response.status === 200 ? ((await response.json()) as Message) : undefined;
  }

  /** `refused` hears why rows of this job can't be delivered: it is to end. */
  sender(id: string, refused: (failure: Failure) => void = () => undefined): Sender {
    return new Sender(
      (body) => this.request(`rows/${encodeURIComponent(id)}`, { method: "POST", body }),
      refused,
    );
  }

  /** The page lives, and has nothing to say. */
  async seen(): Promise<void> {
    if (this.#saying) return;
    this.#saying = true;
    const signal = AbortSignal.timeout(LIMIT_MS);
    await fetch(`${this.#base}seen`, { method: "POST", signal }).catch(() => undefined);
    this.#saying = false;
  }

  /** A success, or word that the job is over. A Failure for all else that is no end of the seat. */
  async request(path: string, options?: RequestInit): Promise<Response> {
    const all: RequestInit = { ...options, cache: "no-store" };
    const response = await ask(this.#base + path, all, this.#onState, undefined, LIMIT_MS);
    const { ok, status } = response;
    if (ok || OVER.has(status)) return response;
    if (status === 410 || status === 404) throw new Closed(await words(response));
    if (status === 426) throw new Stale();
    throw await refusal(response);
  }
}

/** What this page calls itself, another each time it is loaded: of two tabs the newest works. */
function loadName(): string {
  return [...crypto.getRandomValues(new Uint8Array(9))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

async function words(response: Response): Promise<string> {
  const answer = (await response.json().catch(() => ({}))) as { words?: string };
  return answer.words ?? "";
}

function line(seq: number, row: Row): string {
  return JSON.stringify({ protocol: PROTOCOL, seq, ...row }) + "\n";
}

/** As many as one request may have; one at least. */
function batch(waiting: readonly string[]): readonly string[] {
  let characters = 0;
  const end = waiting.findIndex((row, i) => {
    characters += row.length;
    return i > 0 && (i >= MOST_ROWS || characters > MOST_CHARACTERS);
  });
  return end < 0 ? waiting : waiting.slice(0, end);
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
  readonly #refused: (failure: Failure) => void;

  constructor(post: Post, refused: (failure: Failure) => void) {
    this.#post = post;
    this.#refused = refused;
  }

  add(row: Row): void {
    const seq = this.#first + this.#waiting.length;
    this.#waiting.push(line(seq, row));
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  /** Ends when every row has arrived, or none is taken any more. */
  async arrived(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  async #send(): Promise<void> {
    try {
      while (this.taken && this.#waiting.length > 0) await this.#sendSome();
    } catch (e) {
      this.taken = false;
      if (!(e instanceof Failure)) return; // the seat is closed: whoever asks for jobs hears it
      this.#refused(e);
      const { message: error, hint } = e;
      await this.#post(
        line(this.#first, { row: "failure", stage: "transport", error, hint }),
      ).catch(() => undefined);
    }
  }

  async #sendSome(): Promise<void> {
    const response = await this.#post(batch(this.#waiting).join(""));
    if (response.ok) {
      const { next } = (await response.json()) as { next: number };
      this.#waiting.splice(0, next - this.#first);
      this.#first = next;
    } else this.taken = false; // over, or given out anew: the server knows
  }
}
