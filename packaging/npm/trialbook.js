#!/usr/bin/env node
// Runs the program of this platform's package, with the same arguments, streams and exit code.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@trialbook/${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "trialbook.exe" : "trialbook";

let program;
try {
  program = require.resolve(`${name}/bin/${file}`);
} catch {
  console.error(`error: the package ${name} is not installed`);
  console.error("  help: install trialbook again without --omit=optional; where no such package exists, this platform has no build");
  process.exit(6);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`error: cannot run ${program}: ${error.message}`);
  process.exit(6);
});
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
