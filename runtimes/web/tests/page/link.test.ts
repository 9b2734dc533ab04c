import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, expect, test, vi } from "vitest";

import { Closed, Link, Stale } from "../../page/link.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let server: Server | undefined;
const states: boolean[] = [];

async function served(answer: Answer): Promise<Link> {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return new Link(`http://127.0.0.1:${port}/t/`, (connected) => void states.push(connected));
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  states.length = 0;
});

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

test("a job is asked for with the one before, and none is no job", async () => {
  const urls: string[] = [];
  const link = await served((request, response) => {
    urls.push(request.url ?? "");
    if (urls.length === 1) response.writeHead(204).end();
    else json(response, 200, { job: "probe", id: "2" });
  });
  expect(await link.job("")).toBe(undefined);
  expect(await link.job("1.2")).toEqual({ job: "probe", id: "2" });
  expect(urls[1]).toContain("/t/job?have=1.2");
});

test("rows arrive in order, each once, whatever is lost on the way", async () => {
  const rows: string[] = [];
  let turn = 0;
  const link = await served((request, response, body) => {
    const lines = body.trim().split("\n");
    const take = (count: number) => {
      for (const line of lines.slice(0, count)) {
        const { seq, row } = JSON.parse(line) as { seq: number; row: string };
        if (seq === rows.length) rows.push(row);
      }
    };
    switch (turn++) {
      case 0: // taken, but the answer is lost
        take(lines.length);
        request.socket.destroy();
        break;
      case 1:
        response.writeHead(429, { "Retry-After": "0" }).end();
        break;
      case 2: // one of them is taken
        take(1);
        json(response, 200, { next: rows.length });
        break;
      default:
        take(lines.length);
        json(response, 200, { next: rows.length });
    }
  });
  const sender = link.sender("7");
  const names = Array.from({ length: 12 }, (_, i) => `row${i}`);
  for (const row of names) sender.add({ row });
  await sender.arrived();
  expect(rows).toEqual(names);
  expect(states).toContain(false);
  expect(states.at(-1)).toBe(true);
});

test("rows of a request stay below what the server takes", async () => {
  const sizes: number[] = [];
  let next = 0;
  const link = await served((_, response, body) => {
    sizes.push(Buffer.byteLength(body));
    next += body.trim().split("\n").length;
    json(response, 200, { next });
  });
  const sender = link.sender("7");
  for (let i = 0; i < 8; i++) sender.add({ row: "failure", error: "\u20ac".repeat(150_000) });
  await sender.arrived();
  expect(next).toBe(8);
  expect(Math.max(...sizes)).toBeLessThan(2 ** 20);
});

test("one word of life at a time", async () => {
  const waiting: ServerResponse[] = [];
  const link = await served((_, response) => void waiting.push(response));
  const first = link.seen();
  await link.seen();
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  waiting[0]?.writeHead(204).end();
  await first;
  void link.seen();
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
});

test("rows of a job that is over are given up", async () => {
  const link = await served((_, response) => json(response, 409, { error: "over" }));
  const sender = link.sender("7");
  sender.add({ row: "progress" });
  await sender.arrived();
  expect(sender.taken).toBe(false);
});

test.each([413, 500, 507])(
  "rows that are refused with %i end the job, with the reason",
  async (status) => {
    const bodies: string[] = [];
    const link = await served((_, response, body) => {
      bodies.push(body);
      if (bodies.length === 1) json(response, status, { error: "no room" });
      else json(response, 200, { next: 1 });
    });
    const heard: string[] = [];
    const sender = link.sender("7", ({ message }) => void heard.push(message));
    sender.add({ row: "progress" });
    await sender.arrived();
    const why = `rows/7: the answer is ${status}: no room`;
    expect(heard).toEqual([why]);
    expect(bodies).toHaveLength(2);
    const row = { protocol: 1, seq: 0, row: "failure", stage: "transport", error: why };
    expect(JSON.parse(bodies[1] ?? "")).toMatchObject(row);
    expect(sender.taken).toBe(false);
  },
);

test("a question for a job that is refused is not repeated", async () => {
  let asked = 0;
  const link = await served((_, response) => json(response, ++asked && 500, {}));
  await expect(link.job("")).rejects.toThrow("job: the answer is 500");
  expect(asked).toBe(1);
});

test("a closed seat says so, with its words; so does one that never was", async () => {
  const link = await served((request, response) =>
    request.url?.includes("have=1")
      ? json(response, 410, { words: "all done" })
      : json(response, 404, {}),
  );
  await expect(link.job("1")).rejects.toThrow(new Closed("all done"));
  await expect(link.job("")).rejects.toBeInstanceOf(Closed);
});

test("a server of another version asks for a new page", async () => {
  const link = await served((_, response) => json(response, 426, { protocol: 2 }));
  await expect(link.job("")).rejects.toBeInstanceOf(Stale);
});
