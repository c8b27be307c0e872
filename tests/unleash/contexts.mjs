// Writes contexts of users, one JSON object a line, each attribute of its declared type or missing.
//
//   node contexts.mjs COUNT SEED > contexts.ndjson
const [count, seed] = process.argv.slice(2).map(Number);

/** mulberry32: a small generator of numbers in [0, 1). */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = generator(seed);
const pick = (values) => values[Math.floor(random() * values.length)];

const attributes = {
  account_id: () => `account-${Math.floor(random() * count)}`,
  country: () => pick(['SE', 'FI', 'DK', 'NO', 'US', 'se', 'S', 'SEE', 'ünïted']),
  platform: () => pick(['web', 'ios', 'android', 'Web']),
  app_version: () =>
    pick(['8.2.0', '8.1.9', '8.10.0', '8.2.0-rc.1', '8.2.0-rc.10', '10.0.0', '0.0.0-0', '8.2.1-alpha', '0.0.0', '8.2.0+57']),
  age_days: () => pick([0, 1, 2, 2.999, 3, 3.5, 1e15, 0.1, 1200]),
  email: () => pick(['admin@acme.test', 'a+test@acme.fi', 'b@acme.fi', 'c@acme.test', 'Admin@acme.test', 'd@acme.FI', 'x+TEST@y.test']),
  employee: () => random() < 0.5,
};
for (let user = 0; user < count; user += 1) {
  const context = {};
  if (random() > 0.02) context.targetingKey = `user-${user}`;
  for (const [name, value] of Object.entries(attributes)) if (random() > 0.25) context[name] = value();
  console.log(JSON.stringify(context));
}
