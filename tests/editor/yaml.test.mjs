// The JSON Schemas in any editor: through the language server for YAML that most of them use.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Server, address, cursor, labels, said } from "./connection.mjs";

const require = createRequire(import.meta.url);
const schemas = fileURLToPath(new URL("../../schemas/", import.meta.url));
const kinds = ["book", "flag", "experiment", "rollout", "layer", "holdout", "segment", "metric", "source"];
const name = (kind) => (kind === "book" ? "trialbook.yaml" : `*.${kind}.yaml`);
const settings = {
    yaml: {
        schemas: Object.fromEntries(kinds.map((kind) => [address(join(schemas, `${kind}.schema.json`)), [name(kind)]])),
        schemaStore: { enable: false },
        validate: true, hover: true, completion: true,
    },
};

let server, folder, count = 0;

before(async () => {
    folder = mkdtempSync(join(tmpdir(), "trialbook-editor-"));
    const bin = join(require.resolve("yaml-language-server/package.json"), "../bin/yaml-language-server");
    server = new Server(process.execPath, [bin, "--stdio"], settings);
    await server.start(folder, {
        workspace: { configuration: true },
        textDocument: { completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } } },
    });
    await server.connection.sendNotification("workspace/didChangeConfiguration", { settings });
    // It reads its settings when it likes: they are there once a schema finds something.
    await server.open(address(join(folder, "first.segment.yaml")), "nonsense: 1\n", (found) => found.length > 0);
});

after(() => server.child.kill());

const uri = (kind) => {
    count += 1;
    return address(join(folder, String(count), kind === "book" ? "trialbook.yaml" : `x.${kind}.yaml`));
};

async function at(kind, marked, method) {
    const { text, position } = cursor(marked);
    const file = uri(kind);
    server.open(file, text).catch(() => {});
    return server.ask(`textDocument/${method}`, file, position);
}

// Of each kind: a text with the cursor where a key is typed, and a key that is offered there.
const keys = {
    book: ["book: x\nentities: {user: {column: id}}\nattr|\n", "attributes"],
    flag: ["description: x\nvari|\n", "variants"],
    experiment: ["title: x\nschedule:\n  sta|\n", "start"],
    rollout: ["flag: x\nste|\n", "steps"],
    layer: ["description: x\nquar|\n", "quarantine"],
    holdout: ["description: x\nsur|\n", "surfaces"],
    segment: ["description: x\naudience:\n  se|\n", "segment"],
    metric: ["description: x\ncov|\n", "covariate"],
    source: ["table: x\nmeas|\n", "measures"],
};

for (const [kind, [text, key]] of Object.entries(keys)) {
    test(`a key of ${kind} files is completed`, async () => {
        const found = labels(await at(kind, text, "completion"));
        assert.ok(found.includes(key), `${key} in ${found}`);
    });
}

// Where words or forms are to choose from: the words that are offered.
const values = [
    ["flag", "type: |\n", ["boolean", "string", "number", "object"]],
    ["flag", "enabled: |\n", ["true", "false"]],
    ["experiment", "decision:\n  outcome: |\n", ["ship", "roll-back", "inconclusive", "aborted"]],
    ["experiment", "analysis:\n  method: |\n", ["fixed-horizon"]],
    ["experiment", "variants: |\n", ["equal"]],
    ["metric", "increase_is: |\n", ["good", "bad"]],
    ["metric", "type: |\n", ["mean", "proportion"]],
    ["metric", "window: |\n", ["open", "7d"]],
    ["book", "warehouse:\n  engine: |\n", ["duckdb"]],
    ["book", "attributes:\n  country:\n    type: |\n", ["string", "number", "boolean", "version"]],
    ["segment", "audience:\n  employee:\n    present: |\n", ["true", "false"]],
    ["rollout", "steps:\n  - share: |\n", ["20%"]],
    ["holdout", "share: |\n", ["20%"]],
    ["layer", "quarantine: |\n", ["0d"]],
];

for (const [kind, text, words] of values) {
    test(`the values of ${JSON.stringify(text)} in a ${kind} file are completed`, async () => {
        const found = labels(await at(kind, text, "completion"));
        for (const word of words) assert.ok(found.includes(word), `${word} in ${found}`);
    });
}

test("a word that is offered says what it means", async () => {
    const answer = await at("experiment", "decision:\n  outcome: |\n", "completion");
    const ship = (answer.items ?? answer).find((item) => item.label === "ship");
    const text = ship.documentation?.value ?? ship.documentation;
    assert.match(text, /A treatment ships/);
});

const hovers = [
    ["book", "ent|ities: {user: {column: id}}\n", /Units of randomisation/],
    ["flag", "def|ault: x\n", /no rule and no experiment decides/],
    ["experiment", "allo|cation: 20%\n", /share of the audience/],
    ["experiment", "metrics:\n  success:\n    - metric: x\n      m|de: 2%\n", /smallest effect worth finding: relative, such as `2%`/],
    ["rollout", "st|eps: []\n", /Steps only grow/],
    ["layer", "quara|ntine: 1d\n", /freed bucket rests/],
    ["holdout", "sha|re: 5%\n", /held out/],
    ["segment", "audience:\n  a|ny: [{a: 1}]\n", /At least one holds/],
    ["segment", "audience:\n  age:\n    at_|least: 3\n", /At or above/],
    ["metric", "win|dow: 7d\n", /first exposure/],
    ["source", "time|stamp: at\n", /column with the time/],
];

for (const [kind, text, expected] of hovers) {
    test(`hover over ${JSON.stringify(text)} in a ${kind} file`, async () => {
        assert.match(said(await at(kind, text, "hover")), expected);
    });
}

// A mistake deep in a file is reported at its place, by what was meant there.
const mistakes = [
    ["book", "book: x\nentities: {user: {colum: id}}\n", /colum/, 1],
    ["flag", "description: x\nowner: x\nentity: u\ntype: bool\nvariants: {a: true}\ndefault: a\n", /"boolean"/, 3],
    ["experiment", "titel: x\n", /titel/, 0],
    ["experiment", "allocation: 20\n", /string/i, 0],
    ["experiment", "allocation: '20'\n", /expected a share such as `20%`/, 0],
    ["experiment", "metrics:\n  success:\n    - {metric: a, mde: {absolut: 1}}\n", /absolut/, 2],
    ["segment", "description: x\naudience:\n  all:\n    - country:\n        at_lest: 3\n", /at_lest/, 4],
    ["rollout", "steps:\n  - {at: 2026-01-01, shar: 5%}\n", /shar/, 1],
    ["layer", "slots:\n  - {buckets: 0..10, experiment: x}\n", /expected a range of buckets/, 1],
    ["holdout", "shares: 5%\n", /shares/, 0],
    ["metric", "measure: {cuont: rows}\n", /cuont/, 0],
    ["metric", "measure: {count: row}\n", /"rows"/, 0],
    ["source", "timestmp: at\n", /timestmp/, 0],
];

for (const [kind, text, message, line] of mistakes) {
    test(`the mistake in ${JSON.stringify(text)} of a ${kind} file is reported at its line`, async () => {
        const found = await server.open(uri(kind), text, (found) => found.length > 0);
        const reported = found.filter((one) => message.test(one.message));
        assert.ok(reported.length > 0, JSON.stringify(found.map((one) => one.message)));
        assert.equal(reported[0].range.start.line, line, JSON.stringify(reported));
    });
}

test("what the reader accepts has no error", async () => {
    const text = "description: Who.\naudience:\n  country: {in: [SE, FI]}\n  any: [{employee: true}, {age_days: {at_least: 3, below: 9}}]\n  not: {segment: staff}\n";
    assert.deepEqual(await server.open(uri("segment"), text), []);
});
