// Compile formats/lplr/lplr.ksy to Python and JavaScript: node compile.mjs BUILD
// BUILD is the folder that has node_modules; the parsers go there too.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const build = resolve(process.argv[2]);
const require = createRequire(join(build, "package.json"));
const { load } = require("js-yaml");
const { compile } = require("kaitai-struct-compiler");

const file = new URL("../../formats/lplr/lplr.ksy", import.meta.url);
try {
  const description = load(readFileSync(file, "utf8"));
  for (const language of ["python", "javascript"]) {
    const sources = await compile(language, description, null, false);
    for (const [name, source] of Object.entries(sources)) writeFileSync(join(build, name), source);
  }
} catch (error) {
  // The compiler's own errors print as pages of its internals.
  console.error(`${file.pathname}: ${error.message ?? error}`);
  process.exit(1);
}
