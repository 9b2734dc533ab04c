import { expect, test, vi } from "vitest";

import { keepAwake, letSleep } from "../../page/awake.ts";

test("the screen is kept on once, and let go at the end", async () => {
  const locks: { released: boolean; release: () => Promise<void> }[] = [];
  const request = () => {
    const lock = { released: false, release: () => Promise.resolve(void (lock.released = true)) };
    locks.push(lock);
    return Promise.resolve(lock);
  };
  let seen: () => void = () => undefined;
  vi.stubGlobal("navigator", { wakeLock: { request } });
  vi.stubGlobal("document", {
    visibilityState: "visible",
    addEventListener: (_: string, hear: () => void) => (seen = hear),
  });
  await keepAwake();
  await keepAwake();
  expect(locks).toHaveLength(1);
  (locks[0] as { released: boolean }).released = true; // the page was out of sight
  seen();
  await vi.waitFor(() => expect(locks).toHaveLength(2));
  await letSleep();
  expect(locks[1]?.released).toBe(true);
  seen();
  expect(locks).toHaveLength(2);
});
