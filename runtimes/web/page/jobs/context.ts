// What a job is given: where its rows and files go, and what it must ask of the page.

import type { Facts } from "../messages.ts";
import { Failure, type Row, type Stage } from "../protocol.ts";
import { ask, refusal } from "../requests.ts";

export interface Context {
  /** The folder of the page, ending with a slash: URLs of the job are relative to it. */
  readonly base: string;
  stage: Stage;
  readonly stopping: () => boolean;
  readonly row: (row: Row) => void;
  /** Say that a module did not come, instead of any row that ends the job. */
  readonly lost: (error: string) => void;
  /** What only the page itself can read. */
  readonly facts: () => Promise<Facts>;
}

async function request(url: string, options?: RequestInit): Promise<Response> {
  const response = await ask(url, options);
  if (response.ok) return response;
  throw response.status === 409 ? new Failure("this job was given up") : await refusal(response);
}

export async function fetchBytes(context: Context, url: string): Promise<Uint8Array> {
  const response = await request(new URL(url, context.base).href);
  return new Uint8Array(await response.arrayBuffer());
}

export async function putBytes(context: Context, url: string, bytes: Uint8Array): Promise<void> {
  const body = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  await request(new URL(url, context.base).href, { method: "PUT", body });
}
