// What the page and its worker say to each other.

import type { Arrays } from "../page/tensors.ts";

export type Request = { id: number } & (
  { ask: "open"; model: string; vendor: string } | { ask: "run"; feeds: Arrays }
);

export interface Opened {
  inForce: Record<string, string>;
}

export interface Ran {
  outputs: Arrays;
  /** Feeds in, outputs read. */
  milliseconds: number;
}

export type Reply = { id: number } & ({ answer: Opened | Ran } | { error: string; hint: string });
