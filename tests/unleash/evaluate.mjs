// Compares what Unleash's client for Node.js serves with what trialbook says, name by name and value by value.
//
//   node evaluate.mjs URL TOKEN CONTEXTS EXPECTED AT REASONS
//
// REASONS, with commas between them, are those that the contexts must reach.
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';

import { startUnleash } from 'unleash-client';

const [url, token, contextsPath, expectedPath, at, required] = process.argv.slice(2);
const unleash = await startUnleash({
  url: `${url}/api`,
  appName: 'trialbook',
  customHeaders: { Authorization: token },
  disableMetrics: true,
  refreshInterval: 3_600_000,
});

/** Clients give every attribute as a text. */
const given = ({ targetingKey, ...attributes }) => {
  const properties = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)]));
  return { ...(targetingKey === undefined ? {} : { userId: targetingKey }), currentTime: new Date(at), properties };
};
/** The value of a payload, as the kind that the book has. */
const value = (payload, like) => {
  if (payload === undefined) return undefined;
  return typeof like === 'string' ? payload.value : JSON.parse(payload.value);
};

const contexts = readFileSync(contextsPath, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const seen = new Map();
const answered = new Set();
let first;
let position = -1;
let compared = 0;
let mismatches = 0;
for await (const line of createInterface({ input: createReadStream(expectedPath) })) {
  const expected = JSON.parse(line);
  first ??= expected.flag;
  if (expected.flag === first) position += 1;
  if (contexts[position] === undefined) throw new Error(`there are more answers than contexts`);
  answered.add(expected.flag);
  seen.set(expected.reason, (seen.get(expected.reason) ?? 0) + 1);
  compared += 1;
  const actual = unleash.getVariant(expected.flag, given(contexts[position]));
  if (actual.name === expected.served && isDeepStrictEqual(value(actual.payload, expected.value), expected.value)) continue;
  mismatches += 1;
  if (mismatches <= 10) console.error(`${JSON.stringify(contexts[position])}\n  trialbook: ${line}\n  node: ${JSON.stringify(actual)}`);
}
unleash.destroy();
if (position !== contexts.length - 1 || compared !== contexts.length * answered.size) throw new Error('there are fewer answers than contexts times flags');
const unreached = required.split(',').filter((reason) => !seen.has(reason));
if (unreached.length > 0) throw new Error(`the contexts reach too little to tell anything: nothing was answered with ${unreached}`);
const reasons = [...seen].map(([reason, n]) => `${reason} ${n}`).join(', ');
console.log(`node at ${at}: ${compared} evaluations of ${answered.size} flags for ${contexts.length} contexts, ${mismatches} mismatches (${reasons})`);
process.exitCode = mismatches === 0 ? 0 : 1;
