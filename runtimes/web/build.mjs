// Build the page into the Python package: node build.mjs
import { build } from "esbuild";
import { cpSync, mkdirSync, rmSync } from "node:fs";

const OUT = "src/edgewright_web/static";
const VENDOR = {
  litert: {
    from: "node_modules/@litertjs/core/wasm",
    files: [
      "litert_wasm_internal",
      "litert_wasm_compat_internal",
      "litert_wasm_threaded_internal",
    ].flatMap((name) => [`${name}.js`, `${name}.wasm`]),
  },
  ort: {
    from: "node_modules/onnxruntime-web/dist",
    files: ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  },
  tfjs: {
    from: "node_modules/@tensorflow/tfjs-backend-wasm/dist",
    files: ["", "-simd", "-threaded-simd"].map((name) => `tfjs-backend-wasm${name}.wasm`),
  },
};

rmSync(OUT, { recursive: true, force: true });
for (const [name, { from, files }] of Object.entries(VENDOR)) {
  mkdirSync(`${OUT}/vendor/${name}`, { recursive: true });
  for (const file of files) cpSync(`${from}/${file}`, `${OUT}/vendor/${name}/${file}`);
}
cpSync("page/index.html", `${OUT}/index.html`);

const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  outdir: `${OUT}/app`,
  legalComments: "none",
  logLevel: "warning",
  conditions: ["onnxruntime-web-use-extern-wasm"],
};
await build({
  ...common,
  entryPoints: ["page/main.ts", "page/serve.ts"],
  format: "esm",
  splitting: true,
});
await build({ ...common, entryPoints: ["page/worker.ts"], format: "iife" });
