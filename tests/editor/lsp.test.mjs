// `trialbook lsp` through the client library that Visual Studio Code is made with: that it speaks the protocol as others do.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Server, address, cursor, labels, said } from "./connection.mjs";

const source = fileURLToPath(new URL("../books/shop/", import.meta.url));
let server, root, abilities;

const file = (path) => address(join(root, path));
const text = (path) => readFileSync(join(root, path), "utf8");
const flag = "checkout/checkout-button.flag.yaml";
const experiment = "checkout/bold-checkout-button.experiment.yaml";

before(async () => {
    root = join(realpathSync(mkdtempSync(join(tmpdir(), "trialbook-editor-"))), "the shop");
    cpSync(source, root, { recursive: true });
    server = new Server(process.env.TRIALBOOK, ["lsp", "--at", "2026-11-20"]);
    abilities = await server.start(root, {
        textDocument: {
            completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
            hover: { contentFormat: ["markdown"] },
            publishDiagnostics: { relatedInformation: true },
        },
        workspace: { workspaceEdit: { documentChanges: true, resourceOperations: ["rename"] }, workspaceFolders: true },
    });
});

after(async () => assert.equal(await server.stop(), 0));

const find = (path, needle) => cursor(text(path).replace(needle, `${needle[0]}|${needle.slice(1)}`)).position;

test("the server says what it can do", () => {
    assert.equal(abilities.positionEncoding, "utf-16");
    assert.equal(abilities.textDocumentSync.change, 2);
    assert.equal(abilities.renameProvider.prepareProvider, true);
});

test("findings are there as one types, and go when the mistake goes", async () => {
    const right = text(flag);
    await server.open(file(flag), right);
    const wrong = await server.change(file(flag), 2, right.replace("default: plain", "default: plin"),
        (found) => found.some((one) => one.code === "dangling-reference"));
    assert.match(wrong[0].message, /did you mean `plain`/);
    await server.change(file(flag), 3, right, (found) => !found.some((one) => one.code === "dangling-reference"));
});

test("completion, hover, definition and references", async () => {
    const marked = cursor("title: x\nflag: |\n");
    const draft = file("draft.experiment.yaml");
    server.open(draft, marked.text).catch(() => {});
    const items = await server.ask("textDocument/completion", draft, marked.position);
    assert.deepEqual(labels(items), ["checkout-button", "new-ranking"]);
    const hover = await server.ask("textDocument/hover", file("checkout/checkout.layer.yaml"), find("checkout/checkout.layer.yaml", "bold-checkout-button"));
    assert.match(said(hover), /state: scheduled/);
    const place = await server.ask("textDocument/definition", file(experiment), find(experiment, "checkout-button\n"));
    assert.equal(place.uri, file(flag));
    const uses = await server.ask("textDocument/references", file(flag), find(flag, "bold:"), { context: { includeDeclaration: false } });
    assert.equal(uses.length, 3);
});

test("a rename is an edit of every file, and of the file's name", async () => {
    const position = find("checkout/checkout.layer.yaml", "bold-checkout-button");
    const edit = await server.ask("textDocument/rename", file("checkout/checkout.layer.yaml"), position, { newName: "loud" });
    assert.deepEqual(edit.documentChanges.at(-1), {
        kind: "rename", oldUri: file(experiment), newUri: file("checkout/loud.experiment.yaml"),
    });
    await assert.rejects(
        server.ask("textDocument/rename", file(experiment), find(experiment, "bold: 50%"), { newName: "plain" }),
        /there is a variant `plain` already/,
    );
});

test("outline, symbols and code actions have the form of the protocol", async () => {
    const outline = await server.connection.sendRequest("textDocument/documentSymbol", { textDocument: { uri: file(flag) } });
    assert.ok(outline.some((one) => one.name === "variants"));
    const symbols = await server.connection.sendRequest("workspace/symbol", { query: "refund" });
    assert.equal(symbols[0].name, "refund-rate");
    const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
    const actions = await server.connection.sendRequest("textDocument/codeAction", { textDocument: { uri: file(flag) }, range, context: { diagnostics: [] } });
    assert.ok(Array.isArray(actions));
});
