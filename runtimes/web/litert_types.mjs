// LiteRT.js with int8 and int16 at a model's edge.
//
// Its WebAssembly takes them. Its table of types, which only its own file can reach, stops at
// float32, int32 and uint8, and refuses a model by that. So two rows are added as it is bundled;
// a version whose table looks otherwise ends the build.
import { readFile } from "node:fs/promises";

const TABLE = "var DATATYPES = Object.freeze([";
const ROWS = [
  ["int8", "Int8Array", "INT8"],
  ["int16", "Int16Array", "INT16"],
].map(
  ([dtype, constructor, type]) =>
    `{dtype:"${dtype}",typedArrayConstructor:${constructor},elementType:ElementType.${type}},`,
);

export const litertTypes = {
  name: "litert-types",
  setup(build) {
    build.onLoad({ filter: /@litertjs[\\/]core[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const parts = text.split(TABLE);
      if (parts.length !== 2 || /dtype: "int(8|16)"/.test(text)) {
        throw new Error(`${path}: its table of types is another one`);
      }
      return { contents: parts.join(TABLE + ROWS.join("")), loader: "js" };
    });
  },
};
