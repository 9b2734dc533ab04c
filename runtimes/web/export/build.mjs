// Build what `edgewright export-app` makes sites of: the page, its service worker, and for each
// runtime a worker that holds it, with the list of the files that it loads.
import { build } from "esbuild";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";

// Each runs in every browser, with one thread: no GPU that may be missing, no isolation asked for.
const RUNTIMES = {
  "litertjs-wasm": {
    worker: "litert_wasm",
    vendor: ["litert_wasm_internal", "litert_wasm_compat_internal"].flatMap((name) => [
      `litert/${name}.js`,
      `litert/${name}.wasm`,
    ]),
  },
  "ort-web-wasm": {
    worker: "ort_wasm",
    vendor: ["ort/ort-wasm-simd-threaded.mjs", "ort/ort-wasm-simd-threaded.wasm"],
  },
  "tfjs-wasm": {
    worker: "tfjs_wasm",
    vendor: ["", "-simd", "-threaded-simd"].map((name) => `tfjs/tfjs-backend-wasm${name}.wasm`),
  },
  "tfjs-cpu": { worker: "tfjs_cpu", vendor: [] },
};

/** With the options of the page's own build; gives the metafiles, for the licences. */
export async function buildExport(out, page) {
  const common = { ...page, outdir: undefined, format: "iife" };
  const made = [];
  const add = async (options) => made.push((await build({ ...common, ...options })).metafile);
  await add({ entryPoints: ["export/main.ts"], outfile: `${out}/app.js` });
  await add({ entryPoints: ["export/sw.ts"], outfile: `${out}/sw.js` });
  mkdirSync(`${out}/workers`, { recursive: true });
  for (const [name, { worker }] of Object.entries(RUNTIMES)) {
    await add({
      entryPoints: [`export/workers/${worker}.ts`],
      outfile: `${out}/workers/${name}.js`,
      define: { ...page.define, "import.meta.url": "self.location.href" },
      plugins: [...page.plugins, otherBackends(worker)],
    });
  }
  for (const name of readdirSync("export/static"))
    cpSync(`export/static/${name}`, `${out}/${name}`);
  const vendor = Object.entries(RUNTIMES).map(([name, row]) => [name, row.vendor]);
  writeFileSync(`${out}/runtimes.json`, JSON.stringify(Object.fromEntries(vendor), null, 1) + "\n");
  return made;
}

/** Backends of TF.js that a message alone would load: an exported page has the one it runs. */
function otherBackends(worker) {
  const own = `@tensorflow/${worker.replace("tfjs_", "tfjs-backend-")}`;
  return {
    name: "other-backends",
    setup(build) {
      build.onResolve({ filter: /^@tensorflow\/tfjs-backend-(cpu|wasm|webgl|webgpu)$/ }, (found) =>
        found.kind === "dynamic-import" && found.path !== own
          ? { path: found.path, namespace: "left-out" }
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "" }));
    },
  };
}
