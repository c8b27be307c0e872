// Compares what flagd's JavaScript evaluator serves with what trialbook says, entry by entry and value by value.
//
//   node evaluate.mjs FLAGS CONTEXTS EXPECTED AT REASONS
//
// REASONS, with commas between them, are those that the contexts must reach.
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';

import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';

const [flagsPath, contextsPath, expectedPath, at, required] = process.argv.slice(2);
const now = Date.parse(at);
if (Number.isNaN(now)) throw new Error(`${at} is not a time`);
Date.now = () => now;

const complaints = [];
const logger = { error: (...text) => complaints.push(text), warn: (...text) => complaints.push(text), info() {}, debug() {} };
const text = readFileSync(flagsPath, 'utf8');
// Strictly: the file conforms to flagd's schema, or this throws.
new MemoryStorage(logger).setConfigurations(text, true);
const modes = { compiled: {}, interpreted: { disableDynamicCodeGeneration: true } };
const cores = Object.entries(modes).map(([name, options]) => {
  const core = new FlagdCore(new MemoryStorage(logger, options), logger);
  core.setConfigurations(text);
  return { name, core };
});
const served = new Set(Object.keys(JSON.parse(text).flags));

const resolve = {
  boolean: (core, flag, context) => core.resolveBooleanEvaluation(flag, false, context),
  string: (core, flag, context) => core.resolveStringEvaluation(flag, '?', context),
  number: (core, flag, context) => core.resolveNumberEvaluation(flag, -1, context),
  object: (core, flag, context) => core.resolveObjectEvaluation(flag, {}, context),
};

const contexts = readFileSync(contextsPath, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
let compared = 0;
let mismatches = 0;
let position = 0;
let pending = new Set(served);
const seen = new Map();
for await (const line of createInterface({ input: createReadStream(expectedPath) })) {
  const expected = JSON.parse(line);
  if (pending.size === 0) {
    position += 1;
    pending = new Set(served);
  }
  const context = contexts[position];
  if (!pending.delete(expected.flag) || context === undefined) throw new Error(`answer for ${expected.flag} of context ${position} is not due`);
  seen.set(expected.reason, (seen.get(expected.reason) ?? 0) + 1);
  for (const { name, core } of cores) {
    compared += 1;
    const actual = resolve[typeof expected.value](core, expected.flag, context);
    if (actual.variant === expected.served && isDeepStrictEqual(actual.value, expected.value)) continue;
    mismatches += 1;
    if (mismatches <= 10) console.error(`${name}: ${JSON.stringify(context)}\n  trialbook: ${line}\n  flagd: ${JSON.stringify(actual)}`);
  }
}
if (position !== contexts.length - 1 || pending.size !== 0) throw new Error('there are fewer answers than contexts times flags');
const unreached = required.split(',').filter((reason) => !seen.has(reason));
if (unreached.length > 0) throw new Error(`the contexts reach too little to tell anything: nothing was answered with ${unreached}`);
if (complaints.length > 0) throw new Error(`the evaluator complains: ${JSON.stringify(complaints.slice(0, 3))}`);
const reasons = [...seen].map(([reason, n]) => `${reason} ${n}`).join(', ');
console.log(`javascript: ${compared} evaluations of ${served.size} flags for ${contexts.length} contexts, ${mismatches} mismatches (${reasons})`);
process.exitCode = mismatches === 0 ? 0 : 1;
