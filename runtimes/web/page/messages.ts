// What page and worker say to each other.

import type { Plain, Row } from "./protocol.ts";

export type ToWorker =
  | { kind: "job"; message: Record<string, unknown>; base: string }
  | { kind: "stop" }
  | { kind: "facts"; values: Record<string, Plain> };

export type FromWorker = { kind: "row"; row: Row } | { kind: "facts?" };
