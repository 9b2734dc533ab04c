// The page's side of the worker that runs the model.
//
// A worker that is fetched by its address has the policy of its own answer, and a static host
// sends none; one made of a blob has the page's. So no runtime can ask another machine anything.

import { match, type Arrays } from "../page/tensors.ts";
import type { Opened, Ran, Reply, Request } from "./messages.ts";
import type { AppSettings } from "./settings.ts";

const WORKER = "runtime/worker.js";

interface Waiting {
  resolve: (answer: never) => void;
  reject: (error: Error) => void;
}

type Ask<R> = R extends Request ? Omit<R, "id"> : never;

export class Engine {
  inForce: Readonly<Record<string, string>> = {};
  readonly #worker: Worker;
  readonly #outputs: AppSettings["outputs"];
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  private constructor(worker: Worker, outputs: AppSettings["outputs"]) {
    this.#worker = worker;
    this.#outputs = outputs;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#settle(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(`the runtime stopped: ${event.message || "out of memory?"}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  static async open(settings: AppSettings): Promise<Engine> {
    const answer = await fetch(WORKER);
    if (!answer.ok) throw new Error(`${WORKER}: ${answer.status} ${answer.statusText}`);
    const script = new Blob([await answer.text()], { type: "text/javascript" });
    const url = URL.createObjectURL(script);
    const engine = new Engine(new Worker(url), settings.outputs);
    const opened = await engine.#ask<Opened>({
      ask: "open",
      model: new URL(settings.model, location.href).href,
      vendor: new URL("runtime/", location.href).href,
    });
    URL.revokeObjectURL(url);
    engine.inForce = opened.inForce;
    return engine;
  }

  /** The outputs by the names of the contract. */
  async run(feeds: Arrays): Promise<Ran> {
    const { outputs, milliseconds } = await this.#ask<Ran>({ ask: "run", feeds });
    return { outputs: match(outputs, this.#outputs), milliseconds };
  }

  #ask<A>(request: Ask<Request>): Promise<A> {
    const id = ++this.#asked;
    return new Promise<A>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...request });
    });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("answer" in reply) waiting?.resolve(reply.answer as never);
    else waiting?.reject(new Error([reply.error, reply.hint].filter(Boolean).join("; ")));
  }
}
