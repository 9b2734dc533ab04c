import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, expect, test } from "vitest";

import { ask } from "../../page/requests.ts";

let server: Server | undefined;
let asked = 0;

/** The address of a server that answers with these statuses, the last one for ever; 0: not at all. */
async function served(...statuses: number[]): Promise<string> {
  asked = 0;
  server = createServer((request, response) => {
    const status = statuses[Math.min(asked++, statuses.length - 1)] ?? 0;
    if (status === 0) request.socket.destroy();
    else response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret/rows/7`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

test("what another try may change is repeated until it does", async () => {
  const heard: boolean[] = [];
  const url = await served(429, 0, 200);
  const response = await ask(url, {}, (answered) => heard.push(answered));
  expect(response.status).toBe(200);
  expect(heard).toEqual([true, false, true]);
});

test.each([0, 408, 429, 502, 503, 504])("%i is not repeated for ever", async (status) => {
  const url = await served(status);
  await expect(ask(url, {}, () => undefined, 2)).rejects.toThrow(/^rows\/7: .*, 2 times$/);
  expect(asked).toBe(2);
});

test.each([204, 400, 404, 409, 410, 413, 426, 500, 507])("%i is the answer", async (status) => {
  const url = await served(status);
  expect((await ask(url)).status).toBe(status);
  expect(asked).toBe(1);
});

test("a try that is never answered ends, and is repeated", async () => {
  let tries = 0;
  server = createServer((_, response) => void (++tries > 1 && response.writeHead(204).end()));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret/job`;
  expect((await ask(url, {}, undefined, 3, 1_000)).status).toBe(204);
  expect(tries).toBe(2);
});
