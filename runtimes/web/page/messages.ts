// What page and worker say to each other.

import type { Plain, Row } from "./protocol.ts";

/** What only the page can read. */
export type Facts = Record<string, Plain>;

export type ToWorker =
  | { kind: "job"; message: Record<string, unknown>; base: string }
  | { kind: "stop" }
  | { kind: "facts"; values: Facts };

export type FromWorker =
  | { kind: "row"; row: Row }
  | { kind: "facts?" }
  /** A module that the job needs did not come, and the job has not begun. */
  | { kind: "lost"; error: string };
