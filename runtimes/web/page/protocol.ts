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

/** What to say of memory that is used up, in the words of whoever ran out of it; else nothing.
 *
 * JavaScript's own (RangeError), Emscripten's (`Aborted(OOM)`, a malloc that gave 0 and is written
 * to), C++'s (`bad_alloc`, which ONNX Runtime passes on) and the words of the runtimes. */
export function memoryHint(words: string): string {
  return OUT_OF_MEMORY.test(words)
    ? "it does not fit into the browser's memory: take a smaller model, or close other tabs"
    : "";
}

const OUT_OF_MEMORY =
  /out of memory|bad_alloc|\bOOM\b|allocat(e|ion) (memory|failed)|failed to (grow|allocate)|invalid array length|invalid typed array length|offset is out of bounds|memory access out of bounds/i;

/** A page older or newer than what serves it. */
export class StalePage extends Failure {}

/** A module that did not come: no fault of the job's, and another try may get it. */
export class Lost extends Error {}
