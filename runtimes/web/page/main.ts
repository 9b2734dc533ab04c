// The page: asks for jobs, has a worker do them, sends their rows back, shows how far it is.

import { Asking } from "./asking.ts";
import { keepAwake, letSleep } from "./awake.ts";
import { Closed, Link, Stale } from "./link.ts";
import { Failure } from "./protocol.ts";
import { Runner } from "./runner.ts";
import { View } from "./view.ts";

const BASE = new URL("./", document.baseURI).href;
const ON_MAIN = new URLSearchParams(location.search).get("main") === "1";

const view = new View(document);
const link = new Link(BASE, (connected) => view.connected(connected));
const asking = new Asking(document.querySelector("main") ?? document.body, link);
const runner = new Runner({ base: BASE, onMain: ON_MAIN, link, view });

/** One line of questions all the time: while a job runs, its answer may be the word to stop. */
async function serveJobs(): Promise<void> {
  for (let have = ""; ;) {
    const message = await link.job(have);
    if (message === undefined) continue;
    if (message.job === "stop") {
      await runner.stop();
      continue;
    }
    have = String(message.id);
    asking.hide();
    if (message.job === "ask") {
      asking.show(message);
      continue;
    }
    if (message.shown !== undefined) void keepAwake(); // somebody holds this device
    await runner.begin(message);
  }
}

view.idle();
serveJobs().catch((e: unknown) => {
  if (e instanceof Failure) runner.fail(e.message, e.hint);
  else runner.abandon();
  asking.hide();
  void letSleep();
  if (e instanceof Closed) view.closed(e.message);
  else if (e instanceof Stale) view.stale();
  else view.broken(e instanceof Failure ? e.message : String(e));
});
