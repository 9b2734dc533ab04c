// The words between the page and the machine that serves it: JSON jobs in, NDJSON rows out.
//
// The same as `edgewright_runtimes.protocol`, with an `id` in each job. Files are named by URLs
// relative to the page; arrays travel as .npz, never inside JSON.

export const PROTOCOL = 1;

export type Stage = "load" | "run" | "measure" | "transport";
export type Plain = string | number | boolean | null;

export type Row = { row: string } & Record<string, unknown>;

/** What went wrong, in one line, with what to do about it; it becomes a failure row. */
export class Failure extends Error {
  readonly hint: string;

  constructor(message: string, hint = "") {
    super(message);
    this.hint = hint;
  }
}

/** A page older or newer than what serves it. */
export class StalePage extends Failure {}
