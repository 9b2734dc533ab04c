// What is fetched before a clock starts: a network's time is no part of a load's.
//
// Runtimes fetch their own files, in ways of their own, so `fetch` itself answers with what is
// here already; once, for the bytes are the runtime's then.

import { ask, refusal } from "./requests.ts";

interface Held {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
}

const held = new Map<string, Held>();
const started = new Set<string>();

/** From now on: to be called before any runtime is loaded. */
export function answerFetches(): void {
  globalThis.fetch = new Proxy(fetch, {
    apply(real, self, given: Parameters<typeof fetch>) {
      const [asked, options] = given;
      const url = asked instanceof Request ? asked.url : String(asked);
      const found = options?.method === undefined ? held.get(url) : undefined;
      if (found === undefined) return Reflect.apply(real, self, given) as Promise<Response>;
      held.delete(url);
      return Promise.resolve(new Response(found.bytes, { headers: found.headers }));
    },
  });
}

/** Fetch `url` now, whole; the next fetch of it takes no time. A Failure where it can't be had. */
export async function bring(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await ask(url);
  if (!response.ok) throw await refusal(response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  held.set(url, { bytes, headers: response.headers });
  return bytes;
}

/** The same for what a runtime fetches when it starts, which it does once. */
export async function bringOnce(url: string): Promise<void> {
  if (started.has(url)) return;
  await bring(url);
  started.add(url);
}
