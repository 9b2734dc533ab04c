// Prints, as JSON, what a graph model needs of a backend under the pinned @tensorflow/tfjs.
//
// node list_kernels.mjs > ../../converters/src/edgewright_converters/tfjs_graph/kernels.json
// "kernels": what each backend registers. "ops": the kernels that an op of a graph model may ask
// for, found by following the calls from its executor through tfjs-core. Left out, because
// inference never takes those ways: gradients, what a fused op does while gradients are traced
// (shouldFuse), and what is done for complex tensors only (they come from FFT and Complex).

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as acorn from "acorn";
import * as walk from "acorn-walk";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";

const require = createRequire(import.meta.url);
const rootOf = (name) => dirname(require.resolve(`@tensorflow/${name}/package.json`));
const core = join(rootOf("tfjs-core"), "dist");
const converter = join(rootOf("tfjs-converter"), "dist");
const OPS = join(core, "ops", "ops_for_converter.js");
const BACKENDS = ["cpu", "wasm", "webgl", "webgpu"];
const LEFT_OUT = /^(grad|gradFunc|der\w*|backward\w*)$/;
const NEVER_TAKEN = /'complex64'|shouldFuse\(.*=== false|ENGINE\.registry|^isComplex/;

const kernelNames = require("@tensorflow/tfjs-core");
const modules = new Map();

/** What a file declares, imports and exports. */
function moduleOf(file) {
  if (modules.has(file)) return modules.get(file);
  const text = readFileSync(file, "utf8");
  const tree = acorn.parse(text, { ecmaVersion: "latest", sourceType: "module" });
  const found = { file, text, imports: new Map(), locals: new Map(), names: new Map(), all: [] };
  modules.set(file, found);
  for (const node of tree.body) {
    const declared = node.type.startsWith("Export") ? node.declaration : node;
    if (node.type === "ExportAllDeclaration") found.all.push(resolve(file, node.source.value));
    if (node.type === "ImportDeclaration") readImports(found, node);
    for (const s of node.type === "ExportNamedDeclaration" ? node.specifiers : []) {
      const from = node.source ? resolve(file, node.source.value) : null;
      found.names.set(s.exported.name, { from, name: s.local.name });
    }
    if (declared?.type === "FunctionDeclaration" || declared?.type === "ClassDeclaration") {
      found.locals.set(declared.id.name, declared);
    }
    for (const d of declared?.type === "VariableDeclaration" ? declared.declarations : []) {
      if (d.init) found.locals.set(d.id.name, d.init);
    }
  }
  return found;
}

function readImports(found, node) {
  const from = resolve(found.file, node.source.value);
  for (const s of node.specifiers) {
    const name = s.type === "ImportNamespaceSpecifier" ? "*" : s.imported.name;
    found.imports.set(s.local.name, { from, name });
  }
}

function resolve(file, source) {
  if (source.startsWith(".")) return join(dirname(file), `${source}.js`);
  if (source.startsWith("@tensorflow/tfjs-core/dist")) {
    return join(core, `${source.slice("@tensorflow/tfjs-core/dist".length)}.js`);
  }
  return source === "@tensorflow/tfjs-core" ? join(core, "index.js") : null;
}

/** Where a name that a module exports is declared: {module, node}, or undefined. */
function exported(file, name) {
  const found = moduleOf(file);
  const renamed = found.names.get(name);
  if (renamed) {
    const imported = found.imports.get(renamed.name);
    const next = renamed.from ? { from: renamed.from, name: renamed.name } : imported;
    return next ? reach(next) : declaredIn(found, renamed.name);
  }
  return declaredIn(found, name) ?? found.all.map((f) => exported(f, name)).find(Boolean);
}

const reach = ({ from, name }) => (from && name !== "*" ? exported(from, name) : undefined);
const declaredIn = (module, name) =>
  module.locals.has(name) ? { module, node: module.locals.get(name), name } : undefined;
const named = (module, name) =>
  module.imports.has(name) ? reach(module.imports.get(name)) : declaredIn(module, name);

/** The file that ``import * as`` gave a name to, also where ``ops.fused`` hands it on. */
function spaceOf(module, node) {
  if (node.type === "Identifier") {
    if (node.name === "ops") return OPS;
    const imported = module.imports.get(node.name);
    return imported?.name === "*" ? imported.from : undefined;
  }
  if (node.type !== "MemberExpression") return undefined;
  const outer = spaceOf(module, node.object);
  const handed = outer && handingOn(outer, node.property.name);
  return handed && spaceOf(handed, { type: "Identifier", name: node.property.name });
}

/** The module behind ``export *`` that exports a name which it imported as a whole. */
function handingOn(file, name) {
  const found = moduleOf(file);
  if (found.names.has(name)) return found;
  return found.all.map((f) => handingOn(f, name)).find(Boolean);
}

/** What a chain like ``ops.fused.conv2d`` or ``add`` leads to. */
function follow(module, node) {
  if (node.type === "Identifier") return named(module, node.name);
  if (node.type !== "MemberExpression" || node.computed) return undefined;
  const name = node.property.name;
  const space = spaceOf(module, node.object);
  if (space) return exported(space, name);
  const owner = follow(module, node.object);
  const property = owner?.node.properties?.find((p) => p.key?.name === name);
  return property && follow(owner.module, property.value);
}

/** Methods of that name of the classes beside what an executor imports: ``tensorList.stack``. */
function methodsNamed(module, name) {
  const files = new Set([...module.imports.values()].map(({ from }) => from));
  return [...files]
    .filter((file) => file?.startsWith(join(converter, "executor")))
    .map(moduleOf)
    .flatMap((home) =>
      [...home.locals.values()]
        .filter((node) => node.type === "ClassDeclaration")
        .flatMap((node) => node.body.body.filter((m) => m.key?.name === name))
        .map((node) => ({ module: home, node })),
    );
}

function kernelsBehind(module, node, seen = new Set(), kernels = new Set()) {
  if (seen.has(node)) return kernels;
  seen.add(node);
  const enter = (found) => found && kernelsBehind(found.module, found.node, seen, kernels);
  const text = (n) => module.text.slice(n.start, n.end);
  walk.recursive(node, null, {
    VariableDeclarator(n, s, c) {
      if (n.init && !LEFT_OUT.test(n.id.name)) c(n.init, s);
    },
    Property(n, s, c) {
      if (!LEFT_OUT.test(n.key.name)) c(n.value, s);
    },
    IfStatement(n, s, c) {
      if (!NEVER_TAKEN.test(text(n.test))) c(n.consequent, s);
      c(n.test, s);
      if (n.alternate) c(n.alternate, s);
    },
    Identifier(n) {
      enter(named(module, n.name));
    },
    CallExpression(n, s, c) {
      const { callee } = n;
      if (callee.type === "MemberExpression" && callee.property.name === "runKernel") {
        const [kernel] = n.arguments;
        kernels.add(kernel.value ?? kernelNames[kernel.name]);
      } else if (callee.type === "MemberExpression") {
        enter(follow(module, callee));
        methodsNamed(module, callee.property.name).forEach(enter);
        c(callee.object, s);
      } else c(callee, s);
      for (const argument of n.arguments) c(argument, s);
    },
  });
  return kernels;
}

/** The ops of a category that the converter has a description for. */
async function describedOps(category) {
  const text = readFileSync(join(converter, "operations", "op_list", `${category}.js`), "utf8");
  const code = text.replace(/^\/\/# sourceMappingURL.*$/m, "");
  const { json } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return new Set(json.map((op) => op.tfOpName));
}

/** The statements of each ``case`` of an executor, those that it falls through to included. */
function* casesOf(module) {
  let cases;
  for (const local of module.locals.values()) {
    walk.simple(local, { SwitchStatement: (n) => (cases ??= n.cases) });
  }
  for (const [i, { test }] of cases.entries()) {
    const filled = cases.slice(i).find((c) => c.consequent.length);
    if (test) yield [test.value, filled.consequent];
  }
}

const versions = Object.fromEntries(
  ["tfjs-core", "tfjs-converter", ...BACKENDS.map((b) => `tfjs-backend-${b}`)].map((name) => [
    `@tensorflow/${name}`,
    require(`@tensorflow/${name}/package.json`).version,
  ]),
);
const mapper = readFileSync(join(converter, "operations", "operation_mapper.js"), "utf8");
const ops = {};
for (const [, category] of mapper.matchAll(/from '\.\/op_list\/(\w+)'/g)) {
  const described = await describedOps(category);
  const module = moduleOf(join(converter, "operations", "executors", `${category}_executor.js`));
  for (const [op, statements] of casesOf(module)) {
    if (!described.has(op)) continue;
    const kernels = new Set(statements.flatMap((s) => [...kernelsBehind(module, s)]));
    ops[op] = [...kernels].sort();
  }
}
const kernels = Object.fromEntries(
  BACKENDS.map((b) => [b, tf.getKernelsForBackend(b).map((k) => k.kernelName).sort()]),
);
if (Object.values(ops).flat().includes(undefined)) throw new Error("a kernel without a name");
const source = "tests/js/list_kernels.mjs on the packages of these versions (Apache-2.0)";
const oneALine = (table) =>
  Object.entries(table).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)}`).join(",\n");
const parts = Object.entries({ versions, kernels, ops }).map(
  ([name, table]) => ` "${name}": {\n${oneALine(table)}\n }`,
);
console.log(`{\n "source": "${source}",\n${parts.join(",\n")}\n}`);
