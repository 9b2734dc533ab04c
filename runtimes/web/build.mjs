// Build the page into the Python package: node build.mjs
//
// What is there is replaced at the end and at once, so that a build that fails leaves it as it was.

import { build } from "esbuild";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";

import { buildExport } from "./export/build.mjs";
import { addLicences } from "./licences.mjs";
import { litertTypes } from "./litert_types.mjs";

const TARGET = "src/edgewright_web/static";
const OUT = "src/edgewright_web/.static-new";

/** Of each runtime's package only what the page asks for. */
const VENDOR = {
  litert: {
    from: "node_modules/@litertjs/core/wasm",
    files: ["internal", "compat_internal", "threaded_internal"].flatMap((kind) => [
      `litert_wasm_${kind}.js`,
      `litert_wasm_${kind}.wasm`,
    ]),
  },
  ort: {
    from: "node_modules/onnxruntime-web/dist",
    files: ["", ".asyncify"].flatMap((kind) => [
      `ort-wasm-simd-threaded${kind}.mjs`,
      `ort-wasm-simd-threaded${kind}.wasm`,
    ]),
  },
  tfjs: {
    from: "node_modules/@tensorflow/tfjs-backend-wasm/dist",
    files: ["", "-simd", "-threaded-simd"].map((kind) => `tfjs-backend-wasm${kind}.wasm`),
  },
};

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const COMMON = {
  bundle: true,
  minify: true,
  metafile: true,
  target: "es2022",
  outdir: `${OUT}/app`,
  legalComments: "none", // the licences' texts lie beside it
  logLevel: "warning",
  define: { LITERT_VERSION: JSON.stringify(dependencies["@litertjs/core"]) },
  plugins: [litertTypes],
  conditions: ["onnxruntime-web-use-extern-wasm"], // its wasm comes from vendor/
};

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
for (const [name, { from, files }] of Object.entries(VENDOR)) {
  mkdirSync(`${OUT}/vendor/${name}`, { recursive: true });
  for (const file of files) cpSync(`${from}/${file}`, `${OUT}/vendor/${name}/${file}`);
}
const modules = await build({
  ...COMMON,
  entryPoints: ["page/main.ts", "page/serve.ts", "page/style.css"],
  format: "esm",
  splitting: true,
});
const worker = await build({ ...COMMON, entryPoints: ["page/worker.ts"], format: "iife" });
const exported = await buildExport(`${OUT}/export`, COMMON);
addLicences([modules.metafile, worker.metafile, ...exported], `${OUT}/licences`);
cpSync("page/index.html", `${OUT}/index.html`);
rmSync(TARGET, { recursive: true, force: true });
renameSync(OUT, TARGET);
