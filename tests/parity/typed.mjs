// Writes evaluation contexts for field.json, one JSON object a line: every attribute is missing, or has the type that it is compared with.
//
//   node typed.mjs COUNT > contexts.ndjson
const count = Number(process.argv[2]);
let state = 1;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const values = {
  country: ['SE', 'NO', 'DK', 'FI', 'US', 'se', '', 'S', 'SEE', 'é'],
  age: [-1, 0, 1, 12, 12.999, 13, 13.5, 17, 18, 19, 19.001, 20, 65, 1e6],
  employee: [true, false],
  version: ['1.2.3', '1.2.4', '1.10.0', '2.0.0', '2.0.0-rc.1', '2.9.9', '3.0.0-rc.1', '3.0.0-rc.2', '3.0.0', 'v2.1.0', '1.2.3-alpha'],
  email: ['a@acme.test', 'test@acme.test', 'a@acme.example', 'b@x.test', 'ACME', 'acme', ''],
};
for (let number = 0; number < count; number += 1) {
  const context = { targetingKey: `user-${number}` };
  for (const [name, choices] of Object.entries(values)) {
    if (random() < 0.8) context[name] = choices[Math.floor(random() * choices.length)];
  }
  console.log(JSON.stringify(context));
}
