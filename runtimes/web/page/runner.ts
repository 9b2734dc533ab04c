// Where a job is done, and by whom: a worker of its own for what is measured.
//
// Chunks of one data set follow one another in the same worker, which keeps the session open; it is
// not trusted any more after a failure, nor with another runtime beside the one it has. With
// `?main=1` there is no worker: a driver that slows the page down can slow nothing but its thread.

import { readFacts } from "./facts.ts";
import type { Link, Message, Sender } from "./link.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { memoryHint, type Row, type Stage } from "./protocol.ts";
import type { View } from "./view.ts";

const SEEN_MS = 5_000;
const TRIES = 3; // workers, until one has all its modules
const NEXT_STAGE: Record<string, Stage> = { loaded: "run", first: "measure", samples: "measure" };

interface Place {
  post(message: ToWorker): void;
  end(): void;
}

interface Options {
  readonly base: string;
  readonly onMain: boolean;
  readonly link: Link;
  readonly view: View;
}

interface Running {
  readonly message: Message;
  readonly sender: Sender;
  readonly over: Promise<void>;
  readonly end: () => void;
  ended: boolean;
  stopping: boolean;
  tries: number;
  stage: Stage;
}

export class Runner {
  readonly #options: Options;
  #place: Place | undefined;
  #use = ""; // what the place was opened for
  #running: Running | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Begin a job. One that still runs is over for the server, and ended here. */
  async begin(message: Message): Promise<void> {
    await this.#clear();
    const use = `${String(message.job)} ${String(message.runtime)}`;
    this.#running = this.#track(message);
    this.#options.view.begins(message);
    if (message.job !== "predict" || this.#use !== use) this.#leave();
    this.#use = use;
    await this.#give(this.#running);
  }

  /** Its job to the place at hand, or to a new one. */
  async #give(running: Running): Promise<void> {
    try {
      this.#place ??= await this.#open();
    } catch (e) {
      this.#died(String(e));
      return;
    }
    this.#place.post({ kind: "job", message: running.message, base: this.#options.base });
    if (running.stopping) this.#place.post({ kind: "stop" });
  }

  /** A module that the job needs did not come. Browsers remember that as long as a worker lives, of
   * every module that this one imports too, so a new worker asks again. */
  #lost(error: string): void {
    const running = this.#running;
    if (running === undefined || running.ended) return;
    running.tries += 1;
    this.#leave();
    if (this.#options.onMain || running.tries === TRIES) this.#died(error);
    else void this.#give(running);
  }

  #track(message: Message): Running {
    const { link, view } = this.#options;
    let resolved: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (resolved = resolve));
    const alive = setInterval(() => void link.seen(), SEEN_MS);
    const running: Running = {
      message,
      sender: link.sender(String(message.id), ({ message, hint }) => {
        if (this.#running === running) this.fail(message, hint);
      }),
      over,
      ended: false,
      stopping: false,
      tries: 0,
      stage: "load",
      end: () => {
        running.ended = true;
        clearInterval(alive);
        view.ends();
        resolved();
      },
    };
    return running;
  }

  /** The job at hand ends early, with what it has. */
  async stop(): Promise<void> {
    if (this.#running !== undefined) this.#running.stopping = true;
    this.#place?.post({ kind: "stop" });
    await this.#running?.over;
    await this.#running?.sender.arrived();
  }

  /** Nothing goes on: the seat is closed, or another job is given. */
  abandon(): void {
    this.#leave();
    if (!this.#running?.ended) this.#running?.end();
  }

  #leave(): void {
    this.#place?.end();
    this.#place = undefined;
  }

  /** Whoever gives another job takes no more rows of the one before. */
  async #clear(): Promise<void> {
    if (this.#running === undefined || this.#running.ended) return;
    if (this.#options.onMain) await this.stop();
    else this.abandon();
  }

  async #open(): Promise<Place> {
    const hear = (message: FromWorker) => this.#hear(message);
    if (this.#options.onMain) {
      const url = new URL("app/serve.js", this.#options.base).href;
      const { serve } = (await import(url)) as typeof import("./serve.ts");
      return { post: serve(hear), end: () => undefined };
    }
    const worker = new Worker(new URL("app/worker.js", this.#options.base));
    worker.onmessage = (event: MessageEvent<FromWorker>) => hear(event.data);
    worker.onerror = ({ message }) =>
      message ? this.#died(message) : this.#lost("the worker could not be started");
    return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
  }

  #hear(message: FromWorker): void {
    if (message.kind === "row") this.#row(message.row);
    else if (message.kind === "lost") this.#lost(message.error);
    else void readFacts().then((values) => this.#place?.post({ kind: "facts", values }));
  }

  #row(row: Row): void {
    const running = this.#running;
    if (running === undefined || running.ended) return;
    running.stage = NEXT_STAGE[row.row] ?? running.stage;
    running.sender.add(row);
    this.#options.view.shows(row);
    if (row.row === "failure") this.#leave();
    if (row.row === "done" || row.row === "failure") running.end();
  }

  /** An error that no job caught: its worker is gone, or as good as. */
  #died(error: string): void {
    const stage = this.#running?.stage ?? "load";
    const hint = memoryHint(error) || "try another --runtime";
    this.#row({ row: "failure", stage, error, hint });
    this.#leave();
  }

  /** The job at hand can't go on: what it finds out can't be delivered. */
  fail(error: string, hint: string): void {
    this.#row({ row: "failure", stage: "transport", error, hint });
    this.abandon();
  }
}
