import { expect, test } from "vitest";

import { deviceOf } from "../../page/environment.ts";

test.each([
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "iPhone; CPU iPhone OS 18_5 like Mac OS X",
  ],
  [
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)",
    "Linux; Android 14; Pixel 8",
  ],
  [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "X11; Linux x86_64; rv:140.0",
  ],
  ["", null],
])("%s", (userAgent, device) => {
  expect(deviceOf(userAgent)).toBe(device);
});
