// The worker's side: one session, one request after the other.

import { Failure } from "../page/protocol.ts";
import type { RuntimeModule, Session } from "../page/runtimes/runtime.ts";
import { dequantize, match, quantize, type Arrays, type Tensor } from "../page/tensors.ts";
import type { Opened, Ran, Reply, Request } from "./messages.ts";

/** Answer the page with this runtime; called once, by the worker of that runtime. */
export function serve(runtime: Pick<RuntimeModule, "openSession">): void {
  let session: Session | undefined;
  let turn: Promise<void> = Promise.resolve();

  const answer = async (request: Request): Promise<Opened | Ran> => {
    if (request.ask === "open") {
      session = await runtime.openSession(request.model, { threads: 1, vendor: request.vendor });
      return { inForce: await session.inForce() };
    }
    if (!session) throw new Failure("no model is open");
    return run(session, request.feeds);
  };

  addEventListener("message", ({ data }: MessageEvent<Request>) => {
    turn = turn.then(async () => {
      let reply: Reply;
      try {
        reply = { id: data.id, answer: await answer(data) };
      } catch (e) {
        const error = e instanceof Error ? e.message : String(e);
        reply = { id: data.id, error, hint: e instanceof Failure ? e.hint : "" };
      }
      postMessage(reply);
    });
  });
}

async function run(session: Session, given: Arrays): Promise<Ran> {
  const named = match(given, session.inputs);
  const feeds = new Map(
    session.inputs.map((spec) => [spec.name, quantize(named.get(spec.name)!, spec)]),
  );
  await session.reset(); // each item meets a stateful model fresh, as `predict` does
  const start = performance.now();
  const found = await session.run(feeds);
  const milliseconds = performance.now() - start;
  const raw = match(found, session.outputs);
  const outputs = session.outputs.map((spec): [string, Tensor] => [
    spec.name,
    dequantize(raw.get(spec.name)!, spec),
  ]);
  return { outputs: new Map(outputs), milliseconds };
}
