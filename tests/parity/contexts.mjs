// Writes evaluation contexts, one JSON object a line, that are likely to tell evaluators apart.
//
//   node contexts.mjs FLAGS COUNT SEED > contexts.ndjson
//
// It reads a flagd file for the attributes and the constants that they are compared with, so any book will do. The same
// arguments give the same contexts.
import { readFileSync } from 'node:fs';

const [path, count, seed] = process.argv.slice(2);
const { flags: written, $evaluators: evaluators = {} } = JSON.parse(readFileSync(path, 'utf8'));
/** Puts in what flags share. */
const whole = (node) => {
  if (Array.isArray(node)) return node.map(whole);
  if (!node || typeof node !== 'object') return node;
  if (typeof node.$ref === 'string' && evaluators[node.$ref]) return evaluators[node.$ref];
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, whole(value)]));
};
const flags = whole(written);

/** mulberry32: a small generator of numbers in [0, 1). */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = generator(Number(seed));
const below = (n) => Math.floor(random() * n);
const pick = (values) => values[below(values.length)];

/** What is compared with each attribute, and which attributes are units. */
const constants = new Map();
const units = new Set(['targetingKey']);

function attributes(node, found = new Set()) {
  if (Array.isArray(node)) node.forEach((item) => attributes(item, found));
  else if (node && typeof node === 'object') {
    if (typeof node.var === 'string') {
      if (!node.var.startsWith('$flagd') && !['accumulator', 'current'].includes(node.var)) found.add(node.var);
    } else Object.values(node).forEach((item) => attributes(item, found));
  }
  return found;
}

function scalars(node, found = []) {
  if (Array.isArray(node)) {
    // The digits of a guard, and the positions of a search, are compared with no attribute.
    if (!(node.includes('0') && node.includes('9'))) node.forEach((item) => scalars(item, found));
  } else if (node && typeof node === 'object') {
    for (const [operator, item] of Object.entries(node)) if (operator !== 'var' && operator !== 'reduce' && operator !== '!!') scalars(item, found);
    if (Array.isArray(node.var)) scalars(node.var[1], found);
  } else if (node !== null) found.push(node);
  return found;
}

function collect(node) {
  if (!node || typeof node !== 'object') return;
  if (node.fractional) {
    attributes(node.fractional[0]).forEach((unit) => units.add(unit));
    return;
  }
  const names = attributes(node);
  if (names.size === 1) {
    const [name] = names;
    constants.set(name, [...(constants.get(name) ?? []), ...scalars(node)]);
  }
  if (names.size !== 1 || JSON.stringify(node).includes('fractional')) Object.values(node).forEach(collect);
}
Object.values(flags).forEach((flag) => collect(flag.targeting));
units.forEach((unit) => constants.delete(unit));

/** A constant, and what stands close beside it. */
function around(value) {
  if (typeof value === 'number') return [value, value, value - 1, value + 1, value - 0.5, value + 1e-9, -value, String(value)];
  if (typeof value === 'boolean') return [value, !value, String(value), Number(value)];
  const texts = [value, value, value, value.toUpperCase(), `${value}x`, `x${value}`, value.slice(0, -1), ` ${value}`, `x${value}y`];
  const version = /^(\d+)\.(\d+)\.(\d+)/.exec(value);
  if (!version) return texts;
  const [, major, minor, patch] = version.map(Number);
  // How a version of four numbers is compared: 1.2.3-4.1 is 1.2.3.4, and 1.2.3-4.0.rc.1 is 1.2.3.4-rc.1.
  const four = /^(\d+\.\d+\.\d+)-(\d+)\.(?:1$|0\.(.*))/.exec(value);
  if (four) {
    const [, core, fourth, pre] = four;
    const whole = `${core}.${fourth}${pre === undefined ? '' : `-${pre}`}`;
    texts.push(whole, whole, `v${whole}`, `V${whole}+5`, `vv${whole}`, `${core}.${Number(fourth) + 1}`, `${core}.${fourth}-a`, `${core}.0${fourth}`,
      `${core}.${fourth}.1`, `${core}.${fourth}x`, `${core}`, `v${core}`, `${core}-rc.1+7`, `${core}.`, `v ${core}`, `${whole} `, `v${major}`, `v${major}.${minor}-a+b`);
  }
  texts.push(`${value}+5-a.007`, `${major}.${minor}+5`, `${major}+a-b.c`, `${major}.${minor}-rc.1+1`, `${value}+`, `${value}+a..b`, `${value}+a+b`, `${value}+5 `);
  return [...texts, `${major}.${minor}`, `${major}`, `${major}.${minor + 1}`, `${major}.${minor}.${patch + 1}`, `${major}.${minor}-rc.1`,
    `${major}-beta`, `${major}.${minor}.${patch}-rc.1`, `${major}.${minor}.${patch}-rc.10`, `v${value}`, `${value}+b`, `0${value}`,
    `${value}.0`, `${value}\n`, `${major + 1}.0.0`, `${Math.max(0, major - 1)}.99.99`, `${major}.${minor}.`, `${major}.0${minor}`, major];
}
const pools = new Map([...constants].map(([name, values]) => [name, [...new Set(values)].flatMap(around)]));

const NASTY = ['', ' ', '0', '1', '-1', 'true', 'false', 'True', 'null', 'None', 'NaN', 'Infinity', '[object Object]', 'ä', '😀', 'a'.repeat(300),
  0, 1, -1, 0.1, 1e21, -1e-7, 1e300, Number.MAX_SAFE_INTEGER, true, false, [], [1], ['a'], [true], [[1]], [null], {}, { a: 1 }, { length: 1 },
  '1', '1.2', '01', '1.2.3', '1.2.3.4', '1.2-rc', '1-rc-1', '1.2.3-01', '1.2.3+4', '1.2+4', '1+a-1', '1.2.3+ä', 'v1.2.3', 'v', 'v1', 'V1.2.3.4', 'v1.2.3.4.5', 'v-1', '1.2.3.4-rc.1', '1..2', '-', '1.2.3-rc.1.0.0-x', '1.2.3\n', '1.9007199254740991', '1.2.9007199254740992', '9007199254740992', '1.2.3.9007199254740993', '1.12345678901234567.2', '9007199254740991.9007199254740991.9007199254740991', 'v9007199254740991.9007199254740991.9007199254740991.9007199254740991-rc.1', '1.2.3-20261127120000000', '1.2.3+20261127120000000', '1-90071992547409921', `1.2.3-${'a'.repeat(122)}`, `1.2.3-${'a'.repeat(123)}`, `8.2-${'9'.repeat(3)}.${'b'.repeat(120)}`];

const letters = ['a', 'Z', '9', '-', '/', '.', ' ', '"', '\\', '\u0000', 'é', 'ß', 'Ω', '日', '本', '￿', '😀', '𝒳', '\u0301', '\u202e'];

function unit(i) {
  const r = random();
  if (r < 0.72) return `user-${i}`;
  if (r < 0.8) return `user-${below(500)}`;
  if (r < 0.9) return Array.from({ length: 1 + below(12) }, () => pick(letters)).join('');
  if (r < 0.92) return pick(letters).repeat(1 + below(400));
  return pick([undefined, null, '', 0, 7, -1.5, true, false, [], ['user-1'], {}, { a: 1 }, '0', ' ', 'null', 'undefined']);
}

function attribute(name) {
  const r = random();
  if (r < 0.1) return undefined;
  if (r < 0.15) return null;
  if (r < 0.23) return pick(NASTY);
  if (r < 0.28) return pick(pools.get(pick([...pools.keys()])));
  return pick(pools.get(name));
}

const out = [];
for (let i = 0; i < Number(count); i += 1) {
  const context = {};
  for (const name of units) context[name] = unit(i);
  for (const name of pools.keys()) context[name] = attribute(name);
  out.push(JSON.stringify(context));
}
process.stdout.write(`${out.join('\n')}\n`);
