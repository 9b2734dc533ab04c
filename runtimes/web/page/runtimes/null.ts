// A runtime that computes nothing: what it takes is the harness's own cost.

import type { Arrays, Tensor } from "../tensors.ts";
import type { RuntimeModule, Session } from "./runtime.ts";

const SPEC = [{ name: "x", dtype: "float32", shape: [null, 4] }] as const;

function copy(feeds: Arrays): Arrays {
  return new Map([...feeds].map(([name, t]) => [name, { ...t, data: t.data.slice() } as Tensor]));
}

class NullSession implements Session {
  readonly inputs = SPEC;
  readonly outputs = SPEC;

  run(feeds: Arrays): Promise<Arrays> {
    return Promise.resolve(copy(feeds));
  }

  timed(feeds: readonly Arrays[]): () => void {
    return () => {
      for (const feed of feeds) copy(feed);
    };
  }

  reset(): Promise<void> {
    return Promise.resolve();
  }

  inForce(): Promise<Record<string, string>> {
    const why_no_threads = "it computes nothing";
    return Promise.resolve({ runtime: "null", backend: "none", threads: "1", why_no_threads });
  }

  close(): void {
    // nothing is held
  }
}

export const openSession: RuntimeModule["openSession"] = () => Promise.resolve(new NullSession());
