// The service worker: every file of the site is stored, checked by its hash, and served from there.
//
// The exporter writes `SITE` above this script: the hash of each file, and one of all of them.

declare const SITE: { version: string; files: Record<string, string> };

interface Waitable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(kind: "install" | "activate", listen: (event: Waitable) => void): void;
  addEventListener(kind: "fetch", listen: (event: Fetching) => void): void;
  addEventListener(kind: "message", listen: (event: MessageEvent) => void): void;
}

const scope = self as unknown as Scope;
const BASE = scope.registration.scope;
const OURS = `edgewright-app ${BASE} `;
const HOME = "index.html";

scope.addEventListener("install", (event) => event.waitUntil(store()));
scope.addEventListener("activate", (event) => event.waitUntil(takeOver()));
scope.addEventListener("message", ({ data }) => {
  if (data === "take over") void scope.skipWaiting();
});
scope.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== null) event.respondWith(answer(event.request, path));
});

async function store(): Promise<void> {
  const cache = await caches.open(OURS + SITE.version);
  for (const [path, sha256] of Object.entries(SITE.files)) {
    if (await cache.match(BASE + path)) continue; // an install that was cut short goes on
    await cache.put(BASE + path, await whole(path, sha256));
  }
}

/** The file as it was exported: what the browser kept from earlier is taken if it is the same. */
async function whole(path: string, sha256: string): Promise<Response> {
  for (const cache of ["default", "reload"] as const) {
    // hosts send index.html on to its folder; a page that was sent on can't be served from here
    const response = await fetch(BASE + (path === HOME ? "" : path), { cache });
    const bytes = response.ok ? await response.arrayBuffer() : new ArrayBuffer(0);
    if ((await hash(bytes)) === sha256) {
      const type = response.headers.get("Content-Type") ?? "application/octet-stream";
      return new Response(bytes, { headers: { "Content-Type": type } });
    }
  }
  throw new Error(`${path} is missing, or not what was exported`);
}

async function hash(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(OURS) && name !== OURS + SITE.version) await caches.delete(name);
  }
  await scope.clients.claim();
}

/** The path in the site, of a request that is for a file of it. */
function pathOf({ url, method }: Request): string | null {
  const plain = url.split(/[?#]/)[0]!;
  if (method !== "GET" || !plain.startsWith(BASE)) return null;
  const path = plain.slice(BASE.length) || HOME;
  return path in SITE.files ? path : null;
}

async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(OURS + SITE.version);
  return (await cache.match(BASE + path)) ?? fetch(request);
}
