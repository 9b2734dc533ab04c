// What a job is given: where its rows and files go, and what it must ask of the page.

import type { Facts } from "../messages.ts";
import { Failure, type Row, type Stage } from "../protocol.ts";

export interface Context {
  /** The folder of the page, ending with a slash: URLs of the job are relative to it. */
  readonly base: string;
  stage: Stage;
  readonly stopping: () => boolean;
  readonly row: (row: Row) => void;
  /** What only the page itself can read. */
  readonly facts: () => Promise<Facts>;
}

const TRIES = 8;

/** A request that is repeated while the network is away. */
async function request(url: string, options?: RequestInit): Promise<Response> {
  for (let wait = 250, left = TRIES; ; wait = Math.min(wait * 2, 8_000)) {
    let why: string;
    try {
      const response = await fetch(url, options);
      if (response.ok) return response;
      if (response.status === 409) throw new Failure("this job was given up");
      why = `the answer is ${response.status}`;
      if (response.status < 500 && response.status !== 429) left = 0;
    } catch (e) {
      if (e instanceof Failure) throw e;
      why = String(e);
    }
    if (--left <= 0) throw new Failure(`${new URL(url).pathname}: ${why}`, "reload the page");
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

export async function fetchBytes(context: Context, url: string): Promise<Uint8Array> {
  const response = await request(new URL(url, context.base).href);
  return new Uint8Array(await response.arrayBuffer());
}

export async function putBytes(context: Context, url: string, bytes: Uint8Array): Promise<void> {
  const body = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  await request(new URL(url, context.base).href, { method: "PUT", body });
}
