// Prints, as JSON, the ops that a graph model may hold under the pinned @tensorflow/tfjs.
//
// node list_graph_ops.mjs > ../../converters/src/edgewright_converters/tfjs_graph/ops.json
// An op counts where the mapper reads its category, its description is in op_list, and the
// category's executor has a case for it.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";

const packageFile = createRequire(import.meta.url).resolve(
  "@tensorflow/tfjs-converter/package.json",
);
const root = join(dirname(packageFile), "dist", "operations");
const { version } = JSON.parse(readFileSync(packageFile, "utf8"));
const read = (...path) => readFileSync(join(root, ...path), "utf8");
const mapped = [...read("operation_mapper.js").matchAll(/from '\.\/op_list\/(\w+)'/g)];

const ops = [];
for (const [, category] of mapped) {
  const text = read("op_list", `${category}.js`).replace(/^\/\/# sourceMappingURL.*$/m, "");
  const { json } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const executor = read("executors", `${category}_executor.js`);
  ops.push(
    ...json.map((op) => op.tfOpName).filter((name) => executor.includes(`case '${name}':`)),
  );
}
const source = `@tensorflow/tfjs-converter ${version}, dist/operations (Apache-2.0)`;
console.log(JSON.stringify({ source, ops: [...new Set(ops)].sort() }, null, 1));
