// The page: asks for jobs, has a worker do them, sends their rows back, shows how far it is.

import { readFacts } from "./facts.ts";
import { Closed, Link, Stale, type Message } from "./link.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Row } from "./protocol.ts";

const BASE = new URL("./", document.baseURI).href;
const ON_MAIN = new URLSearchParams(location.search).get("main") === "1";
const SEEN_MS = 5_000;

const status = document.querySelector("#status") as HTMLElement;
const link = new Link(BASE, (connected) => {
  document.body.dataset.connected = connected ? "yes" : "no";
});

interface Place {
  post(message: ToWorker): void;
  end(): void;
}

/** Where a job is done: a worker of its own, or this thread where the driver slows it down. */
async function openPlace(hear: (message: FromWorker) => void): Promise<Place> {
  if (ON_MAIN) {
    const url = new URL("app/serve.js", BASE).href;
    const { serve } = (await import(url)) as typeof import("./serve.ts");
    return { post: serve(hear), end: () => undefined };
  }
  const worker = new Worker(new URL("app/worker.js", BASE));
  worker.onmessage = (event: MessageEvent<FromWorker>) => hear(event.data);
  worker.onerror = (event) => {
    hear({ kind: "row", row: { row: "failure", stage: "run", error: event.message, hint: "" } });
  };
  return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
}

function show(row: Row): void {
  status.textContent = row.row === "failure" ? String(row.error) : row.row;
}

async function doJob(message: Message): Promise<void> {
  const id = String(message.id);
  const sender = link.sender(id);
  let ended: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (ended = resolve));
  const place = await openPlace((said) => {
    if (said.kind === "facts?") {
      void readFacts().then((values) => place.post({ kind: "facts", values }));
      return;
    }
    show(said.row);
    sender.add(said.row);
    if (said.row.row === "done" || said.row.row === "failure" || !sender.taken) ended();
  });
  const alive = setInterval(() => void link.seen(), SEEN_MS);
  place.post({ kind: "job", message, base: BASE });
  await over;
  clearInterval(alive);
  await sender.arrived();
  place.end();
}

async function serveJobs(): Promise<void> {
  for (let have = ""; ;) {
    const message = await link.job(have);
    if (message === undefined) continue;
    await doJob(message);
    have = String(message.id);
  }
}

serveJobs().catch((e: unknown) => {
  if (e instanceof Closed) status.textContent = e.message || "Closed.";
  else if (e instanceof Stale) status.textContent = "This page is out of date. Reload it.";
  else throw e;
});
