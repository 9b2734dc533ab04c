import { expect, test } from "vitest";

import { memoryHint } from "../../page/protocol.ts";

test.each([
  "RangeError: Array buffer allocation failed",
  "RangeError: WebAssembly.Memory(): could not allocate memory",
  "RuntimeError: Aborted(OOM). Build with -sASSERTIONS for more info.",
  "RangeError: offset is out of bounds",
  "Can't create a session. ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc",
  "bfc_arena.cc: Failed to allocate memory for requested buffer of size 4294000000",
  "NS_ERROR_OUT_OF_MEMORY: out of memory",
  "InternalError: allocation size overflow; Invalid array length",
])("%s is memory that is used up", (words) => {
  expect(memoryHint(words)).toContain("does not fit into the browser's memory");
});

test.each(["Kernel 'Einsum' not registered", "no such memory layout", "Zoom is no op"])(
  "%s is not",
  (words) => {
    expect(memoryHint(words)).toBe("");
  },
);
