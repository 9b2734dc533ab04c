// LiteRT.js with int8 at a model's edge.
//
// Its WebAssembly takes it. Its table of types, which only its own file can reach, stops at
// float32, int32 and uint8, and refuses a model by that. So a row is added as it is bundled;
// a version whose table looks otherwise ends the build.
import { readFile } from "node:fs/promises";

const TABLE = "var DATATYPES = Object.freeze([";
const ROW = '{dtype:"int8",typedArrayConstructor:Int8Array,elementType:ElementType.INT8},';

export const litertTypes = {
  name: "litert-types",
  setup(build) {
    build.onLoad({ filter: /@litertjs[\\/]core[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const parts = text.split(TABLE);
      if (parts.length !== 2 || /dtype: "int8"/.test(text)) {
        throw new Error(`${path}: its table of types is another one`);
      }
      return { contents: parts.join(TABLE + ROW), loader: "js" };
    });
  },
};
