// Lets trialbook analyse the exposures that the hook wrote, beside purchases whose sums are known, and compares the
// outcome with both.
//
//   node analyze.mjs TRIALBOOK BOOK AT EXPOSURES
//
// BOOK is a copy of the example book, which this changes: its sources become the CSV files EXPOSURES.csv, which the hook
// wrote into the book, and others, written here. EXPOSURES.ndjson holds the same rows; the units are counted from that.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { FileSink } from '../../clients/openfeature-exposure-hook/src/index.js';

const [trialbook, book, at, exposures] = process.argv.slice(2);
const experiment = 'bold-checkout-button';
const asOf = '2026-12-02T00:00:00Z'; // after its horizon
const hour = 3_600_000;
const time = (hours) => new Date(Date.parse(at) + hours * hour).toISOString();
const beforeWatermark = new Date(Date.parse(asOf) - 1000).toISOString();

function edit(file, ...changes) {
  const path = join(book, file);
  let text = readFileSync(path, 'utf8');
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${path} has no \`${from}\``);
    text = text.replace(from, to);
  }
  writeFileSync(path, text);
}

async function table(file, rows) {
  const sink = new FileSink({ path: join(book, file) });
  await sink.write(rows, Object.keys(rows[0]));
  await sink.close();
}

// Distinct units of each arm, as the hook wrote them; units that only other experiments served.
const arms = new Map(['plain', 'bold'].map((variant) => [variant, new Set()]));
const others = new Set();
for (const row of readFileSync(`${exposures}.ndjson`, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))) {
  if (row.experiment !== experiment) others.add(row.unit);
  else {
    assert.ok(arms.has(row.variant), `${experiment} has no variant ${row.variant}`);
    arms.get(row.variant).add(row.unit);
  }
}
// What was exposed to both is taken out of the others.
const both = [...arms.values()].flatMap((units) => [...units].filter((unit) => others.delete(unit)));
for (const [variant, units] of arms) assert.ok(units.size > 0, `the hook wrote no exposure to ${experiment}.${variant}`);
assert.ok(both.length > 0, 'no unit is in another experiment as well: nothing could leak');
assert.ok(others.size > 0, 'no unit is in other experiments only: nothing could leak');

// Some units buy, as many times as their place says; beside that stands all that must not count.
const purchases = [];
const buy = (user_id, hours, status = 'paid') =>
  purchases.push({ user_id, purchased_at: time(hours), status, total_eur: 10, items: 1 });
const bought = new Map();
for (const [variant, units] of arms) {
  const cycle = variant === 'plain' ? 3 : 4;
  let sum = 0;
  for (const [i, unit] of [...units].entries()) {
    for (let n = 0; n < i % cycle; n += 1) buy(unit, 1 + n);
    sum += i % cycle;
    buy(unit, -1); // before the exposure
    buy(unit, 7 * 24 + 1); // after the window
    if (i % 2 === 0) buy(unit, 1, 'refunded');
  }
  assert.ok(sum > 0, `nobody in ${variant} buys`);
  bought.set(variant, sum);
}
others.forEach((unit) => buy(unit, 1));
purchases.push({ ...purchases[0], user_id: 'nobody', purchased_at: beforeWatermark });
await table('purchases.csv', purchases);
// Nobody who was exposed views a page.
const view = { user_id: 'nobody', viewed_at: beforeWatermark, viewed_on: beforeWatermark.slice(0, 10) };
await table('page-views.csv', [{ ...view, page: 'product', product: 'lamp', load_ms: 120 }]);

edit('trialbook.yaml', [', database: warehouse.duckdb', '']);
edit('insights/exposures.source.yaml', ['table: exposures', `file: ${basename(exposures)}.csv`],
  ['timestamp: exposed_at', 'timestamp: timestamp'], ['user: user_id', 'user: unit']);
edit('insights/purchases.source.yaml', ['table: purchases', 'file: purchases.csv']);
edit('insights/page-views.source.yaml', ['table: page_views', 'file: page-views.csv']);

const path = join(book, 'outcome.json');
const run = spawnSync(trialbook, ['--book', book, 'analyze', experiment, '--as-of', asOf, '--out', path], { encoding: 'utf8' });
assert.equal(run.status, 0, run.error?.message ?? run.stderr);
const outcome = JSON.parse(readFileSync(path, 'utf8'));

const counted = (list) => Object.fromEntries(list.map(({ variant, units }) => [variant, units]));
const written = Object.fromEntries([...arms].map(([variant, units]) => [variant, units.size]));
assert.deepEqual(counted(outcome.units.arms), written, 'units of each arm');
assert.equal(outcome.units.in_two_variants, 0);
assert.equal(Date.parse(outcome.units.first_exposure), Date.parse(at));
assert.equal(Date.parse(outcome.units.last_exposure), Date.parse(at));

const metric = (key) => outcome.metrics.find(({ metric: name }) => name === key) ?? assert.fail(`the outcome lacks ${key}`);
const measured = metric('purchases-per-user');
assert.deepEqual(counted(measured.arms), written, 'units of purchases-per-user');
for (const { variant, units, moments } of measured.arms) {
  const mean = bought.get(variant) / units;
  assert.ok(Math.abs(moments.mean - mean) < 1e-12, `purchases per user in ${variant}: ${moments.mean} instead of ${mean}`);
}
const reason = metric('slow-pages-per-user').comparisons[0]?.estimate?.['not-measured']?.reason;
assert.equal(reason, 'no-matching-rows', 'a metric without a row must say that it is not measured');
console.log(`analysis: ${JSON.stringify(written)} units of ${experiment} and their purchases, as written; ` +
  `${both.length} of them in other experiments too, ${others.size} units only there`);
