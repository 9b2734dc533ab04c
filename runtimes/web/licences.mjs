// The licence texts that go with the page: of what is bundled into it, and of the vendor files.
//
// A package without a text is an error: nothing is shipped whose licence was not looked at.

import { cpSync, existsSync, mkdirSync } from "node:fs";

/** Packages that carry no text of their own; ours lie in licences/. */
const WITHOUT = [
  [/^@tensorflow\//, "Apache-2.0.txt"],
  [/^@litertjs\//, "Apache-2.0.txt"],
  [/^onnxruntime-/, "onnxruntime.txt"],
  [/^seedrandom$/, "seedrandom.txt"],
];

export function addLicences(metafiles, folder) {
  mkdirSync(folder);
  cpSync("licences", folder, { recursive: true });
  for (const name of bundled(metafiles)) {
    const own = ["LICENSE", "LICENSE.md", "LICENSE.txt"]
      .map((file) => `node_modules/${name}/${file}`)
      .find((path) => existsSync(path));
    const ours = WITHOUT.find(([pattern]) => pattern.test(name))?.[1];
    if (own !== undefined) cpSync(own, `${folder}/${name.replace("/", "-")}.txt`);
    else if (ours === undefined) throw new Error(`${name} has no licence text: see licences.mjs`);
  }
}

function bundled(metafiles) {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const names = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}
