// What the official client makes of the server: it checks every answer against the protocol's own schemas.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const example = fileURLToPath(new URL("../../experiments", import.meta.url));
const experiment = "checkout/bold-checkout-button.experiment.yaml";
let folder;
let client;

const git = (...words) =>
    execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@acme.test", ...words], { cwd: folder, encoding: "utf8" }).trim();

before(async () => {
    folder = mkdtempSync(join(tmpdir(), "trialbook-mcp-"));
    cpSync(example, join(folder, "experiments"), { recursive: true });
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-q", "-m", "Begin");
    client = new Client({ name: "test", version: "1.0.0" });
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    const args = ["--book", "experiments", "mcp", "--at", "2026-11-20"];
    await client.connect(new StdioClientTransport({ command: process.env.TRIALBOOK, args, cwd: folder, env }));
});

after(async () => {
    await client?.close();
    rmSync(folder, { recursive: true, force: true });
});

test("the client and the server agree on a version, and the tools are listed", async () => {
    assert.equal(client.getServerVersion().name, "trialbook");
    const { tools } = await client.listTools();
    const names = tools.map((tool) => tool.name);
    for (const name of ["lint", "plan", "status", "why", "evaluate", "explain", "schema", "propose_change"]) {
        assert.ok(names.includes(name), `${name} in ${names}`);
    }
    await client.ping();
});

test("a book is read", async () => {
    const lint = await client.callTool({ name: "lint", arguments: {} });
    assert.equal(lint.isError, false);
    assert.ok(lint.structuredContent.summary.files > 10);
    const status = await client.callTool({ name: "status", arguments: { experiments: ["bold-checkout-button"] } });
    assert.equal(status.structuredContent.version, 1);
    const explained = await client.callTool({ name: "explain", arguments: { rule: "overlapping-experiments" } });
    assert.match(explained.content[0].text, /overlapping-experiments/);
    await assert.rejects(client.callTool({ name: "explain", arguments: { role: "x" } }), /has no argument `role`/);
    await assert.rejects(client.callTool({ name: "remove", arguments: {} }), /there is no tool `remove`/);
});

test("an edit ends in a branch, and one with an error nowhere", async () => {
    const text = readFileSync(join(folder, "experiments", experiment), "utf8");
    const propose = (from, to) =>
        client.callTool({
            name: "propose_change",
            arguments: { title: "Rename the test", files: [{ path: experiment, content: text.replace(from, to) }] },
        });
    const refused = await propose("purchases-per-user", "no-such-metric");
    assert.equal(refused.isError, true);
    assert.match(refused.content[0].text, /lint finds errors/);
    assert.equal(git("branch", "--list", "trialbook/*"), "");
    const made = await propose("title: A bold", "title: A very bold");
    assert.equal(made.isError, false, made.content[0].text);
    assert.match(git("show", "--format=", `${made.structuredContent.branch}`), /^\+title: A very bold/m);
    assert.equal(git("status", "--porcelain"), "");
    assert.equal(git("rev-parse", "--abbrev-ref", "HEAD"), "main");
});
