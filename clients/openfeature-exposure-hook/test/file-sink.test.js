import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

import { FileSink } from '../src/index.js';

const COLUMNS = ['unit', 'country'];
let folder;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'exposures-'))));
afterEach(() => rm(folder, { recursive: true }));

const row = (unit, country = null) => ({ unit, country });

/** Reads RFC 4180: the other half of what the sink writes. */
function parseCsv(text) {
  const records = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  let record = [];
  for (let match = field.exec(text); match; match = field.exec(text)) {
    record.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] !== ',') {
      records.push(record);
      record = [];
    }
  }
  assert.equal(records.flat().length % (records[0]?.length ?? 1), 0);
  return records;
}

test('NDJSON is one object a line, and a second sink goes on', async () => {
  const path = join(folder, 'exposures.ndjson');
  for (const unit of ['a', 'b\n"c"']) {
    const sink = new FileSink({ path });
    await sink.write([row(unit, 'SE')], COLUMNS);
    await sink.close();
  }
  const lines = (await readFile(path, 'utf8')).split('\n');
  assert.deepEqual(lines.slice(0, -1).map((line) => JSON.parse(line)), [row('a', 'SE'), row('b\n"c"', 'SE')]);
  assert.equal(lines.at(-1), '');
});

test('CSV has one header, and every text reads back', async () => {
  const path = join(folder, 'exposures.CSV');
  const units = ['plain', 'with,comma', 'with "quotes"', 'two\r\nlines', 'two\nlines', '', ' spaced ', 'ünï😀', "=1+1"];
  for (const half of [units.slice(0, 4), units.slice(4)]) {
    const sink = new FileSink({ path });
    await sink.write(half.map((unit) => row(unit)), COLUMNS);
    await sink.close();
  }
  const text = await readFile(path, 'utf8');
  assert.deepEqual(parseCsv(text), [COLUMNS, ...units.map((unit) => [unit, ''])]);
  assert.ok(text.includes('\r\n"",\r\n'), 'an empty text is quoted, a missing value is not');
});

test('a CSV with other columns is refused and left alone', async () => {
  const path = join(folder, 'exposures.csv');
  await writeFile(path, 'unit,platform\r\n');
  const sink = new FileSink({ path });
  await assert.rejects(sink.write([row('a')], COLUMNS), /other columns/);
  assert.equal(await readFile(path, 'utf8'), 'unit,platform\r\n');
});

test('a file that was cut off amid a line is refused', async () => {
  const path = join(folder, 'exposures.ndjson');
  await writeFile(path, '{"unit": "a');
  await assert.rejects(new FileSink({ path }).write([row('b')], COLUMNS), /cut off/);
});

test('a folder that is not there is an error, and the sink works once it is', async () => {
  const path = join(folder, 'later', 'exposures.ndjson');
  const sink = new FileSink({ path });
  await assert.rejects(sink.write([row('a')], COLUMNS), { code: 'ENOENT' });
  await sink.close();
});

test('options that cannot work are refused', () => {
  assert.throws(() => new FileSink({ path: '' }), TypeError);
  assert.throws(() => new FileSink({ path: 'x', format: 'xml' }), TypeError);
});
