import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { OpenFeature } from '@openfeature/server-sdk';

import { ExposureHook, exposedArm } from '../src/index.js';
import { FlagdFileProvider } from './flagd-file-provider.js';

const FLAGS = fileURLToPath(new URL('flags.json', import.meta.url));
let domains = 0;

/** A client of its own, with a hook whose rows end in an array. */
async function shop(options = {}) {
  const rows = [];
  const errors = [];
  const hook = new ExposureHook({
    sink: { write: (batch) => void rows.push(...batch) },
    dimensions: ['country', 'platform'],
    now: () => new Date('2026-11-25T10:00:00.125Z'),
    onError: (error, lost) => errors.push({ message: error.message, lost }),
    ...options,
  });
  const domain = `shop-${(domains += 1)}`;
  await OpenFeature.setProviderAndWait(domain, new FlagdFileProvider(FLAGS));
  const client = OpenFeature.getClient(domain).addHooks(hook);
  return { client, hook, rows, errors };
}

test('an experiment entry is written with its unit, time and dimensions', async () => {
  const { client, hook, rows } = await shop();
  const context = { targetingKey: 'user-1', country: 'SE', platform: 'ios' };
  const details = await client.getObjectDetails('checkout-button', {}, context);
  await hook.flush();
  assert.match(details.variant, /^bold-checkout-button\.(bold|plain)$/);
  assert.deepEqual(rows, [
    {
      unit: 'user-1',
      entity: 'user',
      flag: 'checkout-button',
      served: details.variant,
      experiment: 'bold-checkout-button',
      variant: details.variant.split('.')[1],
      timestamp: '2026-11-25T10:00:00.125Z',
      country: 'SE',
      platform: 'ios',
    },
  ]);
});

test('both arms are written, the control as well', async () => {
  const { client, hook, rows } = await shop();
  for (let i = 0; i < 200; i += 1) {
    await client.getObjectValue('checkout-button', {}, { targetingKey: `user-${i}`, country: 'SE' });
  }
  await hook.flush();
  assert.equal(rows.length, 200);
  const bold = rows.filter((row) => row.variant === 'bold').length;
  assert.ok(bold > 70 && bold < 130, `${bold} of 200 have bold`);
});

test('a rule, the default, and an error write nothing', async () => {
  const { client, hook, rows, errors } = await shop();
  const se = { targetingKey: 'user-1', country: 'SE' };
  assert.equal((await client.getObjectDetails('checkout-button', {}, { ...se, employee: true })).variant, 'bold');
  assert.equal((await client.getObjectDetails('checkout-button', {}, { targetingKey: 'user-1' })).variant, 'plain');
  assert.equal((await client.getStringDetails('checkout-button', 'x', se)).errorCode, 'TYPE_MISMATCH');
  assert.equal((await client.getStringDetails('no-such-flag', 'x', se)).errorCode, 'FLAG_NOT_FOUND');
  await hook.flush();
  assert.deepEqual(rows, []);
  assert.deepEqual(errors, []);
});

test('the unit is the context attribute that the flag names', async () => {
  const { client, hook, rows } = await shop();
  await client.getBooleanValue('seat-map', false, { targetingKey: 'user-1', account_id: 'acme' });
  await client.getBooleanValue('seat-map', false, { targetingKey: 'user-1', account_id: 17 });
  await client.getBooleanValue('seat-map', false, { targetingKey: 'user-1', account_id: '' });
  await hook.flush();
  assert.deepEqual(rows.map(({ unit, entity }) => ({ unit, entity })), [{ unit: 'acme', entity: 'account' }]);
});

test('the application may name the unit and the entity itself', async () => {
  const { client, hook, rows } = await shop({ unit: { 'checkout-button': 'session' }, entity: 'session' });
  await client.getObjectValue('checkout-button', {}, { targetingKey: 'user-1', session: 's-9', country: 'SE' });
  await hook.flush();
  assert.deepEqual(rows.map(({ unit, entity }) => ({ unit, entity })), [{ unit: 's-9', entity: 'session' }]);
});

test('a unit and arm is written once, unless set otherwise', async () => {
  const context = { targetingKey: 'user-1', country: 'SE' };
  for (const [deduplicate, expected] of [[true, 1], [false, 3], [{ maxEntries: 5 }, 1]]) {
    const { client, hook, rows } = await shop({ deduplicate });
    for (let i = 0; i < 3; i += 1) await client.getObjectValue('checkout-button', {}, context);
    await hook.flush();
    assert.equal(rows.length, expected);
  }
});

test('what is remembered is bounded', async () => {
  const { client, hook, rows } = await shop({ deduplicate: { maxEntries: 2 } });
  for (const user of ['a', 'b', 'c', 'a']) {
    await client.getObjectValue('checkout-button', {}, { targetingKey: user, country: 'SE' });
  }
  await hook.flush();
  assert.deepEqual(rows.map((row) => row.unit), ['a', 'b', 'c', 'a']);
});

test('dimensions are scalars, and null where they are missing', async () => {
  const { client, hook, rows } = await shop({ dimensions: ['country', 'n', 'when', 'tags', 'gone', 'nan'] });
  const when = new Date('2026-01-01T00:00:00Z');
  await client.getObjectValue('checkout-button', {}, { targetingKey: 'u', country: 'SE', n: 1.5, when, tags: ['a'], nan: NaN });
  await hook.flush();
  const { country, n, when: at, tags, gone, nan } = rows[0];
  assert.deepEqual([country, n, at, tags, gone, nan], ['SE', 1.5, '2026-01-01T00:00:00.000Z', '["a"]', null, null]);
});

test('a sink that fails is tried again and the evaluation does not notice', async () => {
  const rows = [];
  let failures = 2;
  const { client, hook, errors } = await shop({
    sink: {
      write(batch) {
        if (failures > 0) {
          failures -= 1;
          throw new Error('disk full');
        }
        rows.push(...batch);
      },
    },
  });
  const value = await client.getObjectValue('checkout-button', {}, { targetingKey: 'user-1', country: 'SE' });
  assert.ok(value.colour);
  await hook.flush();
  await hook.flush();
  assert.equal(rows.length, 0);
  await hook.flush();
  assert.deepEqual(rows.map((row) => row.unit), ['user-1']);
  assert.deepEqual(errors.map((e) => [e.message, e.lost.length]), [['disk full', 1], ['disk full', 1]]);
});

test('a full queue drops and says so, and the dropped unit is taken down later', async () => {
  const rows = [];
  let broken = true;
  const { client, hook, errors } = await shop({
    maxQueue: 1,
    sink: {
      async write(batch) {
        if (broken) throw new Error('offline');
        rows.push(...batch);
      },
    },
  });
  const see = (user) => client.getObjectValue('checkout-button', {}, { targetingKey: user, country: 'SE' });
  await see('a');
  await see('b');
  assert.deepEqual(errors.map((e) => e.lost.map((row) => row.unit)), [['b']]);
  broken = false;
  await hook.flush();
  await see('b');
  await hook.flush();
  assert.deepEqual(rows.map((row) => row.unit), ['a', 'b']);
});

test('rows are written in batches, in order, and never twice at a time', async () => {
  const sizes = [];
  const units = [];
  let inside = 0;
  const { client, hook } = await shop({
    batchSize: 10,
    sink: {
      async write(batch) {
        assert.equal((inside += 1), 1);
        await new Promise((resolve) => setTimeout(resolve, 2));
        sizes.push(batch.length);
        units.push(...batch.map((row) => row.unit));
        inside -= 1;
      },
    },
  });
  const expected = [];
  for (let i = 0; i < 95; i += 1) {
    expected.push(`user-${i}`);
    await client.getObjectValue('checkout-button', {}, { targetingKey: `user-${i}`, country: 'SE' });
  }
  await hook.close();
  assert.deepEqual(units, expected);
  assert.ok(sizes.every((size) => size <= 10));
});

test('a batch that is not full is written after the interval', async () => {
  const { client, rows } = await shop({ flushInterval: 5 });
  await client.getObjectValue('checkout-button', {}, { targetingKey: 'user-1', country: 'SE' });
  assert.equal(rows.length, 0);
  for (let i = 0; i < 200 && rows.length === 0; i += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(rows.length, 1);
});

test('closing writes the rest, says what it could not write, and takes nothing more', async () => {
  const good = await shop();
  await good.client.getObjectValue('checkout-button', {}, { targetingKey: 'user-1', country: 'SE' });
  await good.hook.close();
  await good.client.getObjectValue('checkout-button', {}, { targetingKey: 'user-2', country: 'SE' });
  await good.hook.flush();
  assert.deepEqual(good.rows.map((row) => row.unit), ['user-1']);

  const bad = await shop({ sink: { write: () => Promise.reject(new Error('offline')) } });
  await bad.client.getObjectValue('checkout-button', {}, { targetingKey: 'user-1', country: 'SE' });
  await bad.hook.close();
  assert.deepEqual(bad.errors.map((e) => e.message), ['offline', 'closed with 1 exposures that could not be written']);
});

test('an onError that throws, a context that throws and a broken clock stay out of the evaluation', async () => {
  const { client } = await shop({
    now: () => new Date(NaN),
    onError: () => {
      throw new Error('no');
    },
  });
  const value = await client.getObjectValue('checkout-button', {}, { targetingKey: 'user-1', country: 'SE' });
  assert.ok(value.colour);
  const { hook } = await shop();
  const hostile = { get context() { throw new Error('no'); }, flagKey: 'f' };
  assert.doesNotThrow(() => hook.finally(hostile, { variant: 'a.b' }));
});

test('options that cannot work are refused when the hook is made', () => {
  const sink = { write() {} };
  for (const options of [undefined, {}, { sink, dimensions: ['unit'] }, { sink, dimensions: ['a', 'a'] }, { sink, batchSize: 0 },
    { sink, deduplicate: { maxEntries: 0 } }, { sink, maxQueue: 1.5 }, { sink, onError: 1 }]) {
    assert.throws(() => new ExposureHook(options), TypeError);
  }
});

test('only EXPERIMENT.VARIANT is an arm', () => {
  assert.deepEqual(exposedArm('bold-checkout-button.plain'), { experiment: 'bold-checkout-button', variant: 'plain' });
  // A variant may have a dot, a space or a per cent sign: the name splits at its first dot.
  assert.deepEqual(exposedArm('a.b.c'), { experiment: 'a', variant: 'b.c' });
  assert.deepEqual(exposedArm('a.10 %'), { experiment: 'a', variant: '10 %' });
  for (const other of ['plain', '', '.', 'a.', '.b', 'A.b', '-a.b', 'a.b\u0007', `a.${'b'.repeat(65)}`, undefined, null, 3]) {
    assert.equal(exposedArm(other), undefined);
  }
});
