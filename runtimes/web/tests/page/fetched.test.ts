import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, beforeEach, expect, test } from "vitest";

import { answerFetches, bring, bringOnce } from "../../page/fetched.ts";

const real = globalThis.fetch;
let server: Server;
let asked: string[] = [];
let base = "";

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/t/gone") response.writeHead(404).end();
    else if (request.url === "/t/late" && asked.length === 1) response.writeHead(503).end();
    else response.writeHead(200, { "Content-Type": "application/wasm" }).end(`of ${request.url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/t/`;
  answerFetches();
});

afterEach(() => {
  globalThis.fetch = real;
  server.closeAllConnections();
  server.close();
});

test("what was brought is answered without the network, once", async () => {
  await bring(`${base}model`);
  const response = await fetch(new URL(`${base}model`), { credentials: "same-origin" });
  expect(response.headers.get("Content-Type")).toBe("application/wasm");
  expect(await response.text()).toBe("of /t/model");
  expect(asked).toEqual(["/t/model"]);
  expect(await (await fetch(`${base}model`)).text()).toBe("of /t/model");
  expect(asked).toEqual(["/t/model", "/t/model"]);
});

test("nothing else is: another address, another method", async () => {
  await bring(`${base}model`);
  await fetch(`${base}other`);
  await fetch(`${base}model`, { method: "PUT", body: "x" });
  expect(asked).toEqual(["/t/model", "/t/other", "/t/model"]);
});

test("a server that is busy is asked again; what is not there is said", async () => {
  await bring(`${base}late`);
  expect(asked).toEqual(["/t/late", "/t/late"]);
  await expect(bring(`${base}gone`)).rejects.toThrow("gone: the answer is 404");
});

test("the wasm of a runtime is brought once", async () => {
  await bringOnce(`${base}a.wasm`);
  await bringOnce(`${base}a.wasm`);
  expect(asked).toEqual(["/t/a.wasm"]);
});
