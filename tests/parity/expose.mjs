// Serves contexts through the OpenFeature SDK with trialbook's exposure hook, and compares the file that the hook
// writes with what trialbook says was served by experiments: the same units, entries and flags, and nothing else.
//
//   node expose.mjs FLAGS CONTEXTS EXPECTED AT EXPOSURES
//
// The hook writes EXPOSURES.ndjson, which is compared, and EXPOSURES.csv.
import { readFileSync } from 'node:fs';

import { FlagdCore } from '@openfeature/flagd-core';
import { OpenFeature } from '@openfeature/server-sdk';

import { ExposureHook, FileSink } from '../../clients/openfeature-exposure-hook/src/index.js';

const [flagsPath, contextsPath, expectedPath, at, exposures] = process.argv.slice(2);
const now = Date.parse(at);
Date.now = () => now;

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const core = new FlagdCore(undefined, quiet);
core.setConfigurations(readFileSync(flagsPath, 'utf8'));
const provider = { metadata: { name: 'flagd-file' }, runsOn: 'server' };
for (const type of ['Boolean', 'String', 'Number', 'Object']) {
  const name = `resolve${type}Evaluation`;
  provider[name] = async (flag, fallback, context) => core[name](flag, fallback, context, quiet);
}
const lines = (path) => readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const errors = [];
const hooks = ['ndjson', 'csv'].map((format) => new ExposureHook({
  sink: new FileSink({ path: `${exposures}.${format}` }),
  dimensions: ['country', 'platform'],
  maxQueue: 1_000_000,
  now: () => new Date(now),
  onError: (error) => errors.push(error),
}));
await OpenFeature.setProviderAndWait(provider);
OpenFeature.addHooks(...hooks);
OpenFeature.setLogger(quiet);
const client = OpenFeature.getClient();

const methods = { boolean: ['Boolean', false], string: ['String', '?'], number: ['Number', -1], object: ['Object', {}] };
const contexts = lines(contextsPath);
const answers = lines(expectedPath);
const flags = answers.length / contexts.length;
const expected = new Set();
for (const [i, answer] of answers.entries()) {
  const context = contexts[Math.floor(i / flags)];
  const [type, fallback] = methods[typeof answer.value];
  await client[`get${type}Value`](answer.flag, fallback, context);
  if (answer.reason === 'experiment') expected.add(JSON.stringify([context.targetingKey, answer.flag, answer.served]));
}
for (const hook of hooks) await hook.close();

const rows = lines(`${exposures}.ndjson`);
const written = new Set(rows.map((row) => JSON.stringify([row.unit, row.flag, row.served])));
const only = (these, others) => [...these].filter((row) => !others.has(row));
const wrong = [...only(written, expected), ...only(expected, written)];
const mistimed = rows.filter((row) => Date.parse(row.timestamp) !== now || row.served !== `${row.experiment}.${row.variant}`);
if (expected.size === 0 || errors.length > 0 || wrong.length > 0 || mistimed.length > 0 || rows.length !== written.size) {
  console.error('exposures differ:', wrong.slice(0, 5), mistimed.slice(0, 5), errors.slice(0, 5), rows.length, expected.size);
  process.exit(1);
}
console.log(`exposures: ${answers.length} evaluations wrote ${rows.length} rows, each as trialbook says`);
