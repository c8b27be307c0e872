// A language server as a child, and the client library that editors are made with on this side of it.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const protocol = require("vscode-languageserver-protocol/node");

export const address = (path) => pathToFileURL(path).href;

export class Server {
    constructor(command, args, configuration = {}) {
        this.child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
        this.exit = new Promise((resolve) => this.child.once("exit", (code) => resolve(code)));
        this.connection = protocol.createProtocolConnection(
            new protocol.StreamMessageReader(this.child.stdout),
            new protocol.StreamMessageWriter(this.child.stdin),
        );
        this.diagnostics = new Map();
        this.waiting = [];
        this.connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => {
            this.diagnostics.set(uri, diagnostics);
            this.waiting = this.waiting.filter((wait) => !wait(uri, diagnostics));
        });
        this.connection.onRequest("workspace/configuration", ({ items }) =>
            items.map((item) => configuration[item.section] ?? null));
        this.connection.onRequest("client/registerCapability", () => null);
        this.connection.onError((error) => { throw error; });
        this.connection.listen();
    }

    async start(root, capabilities) {
        const folders = [{ uri: address(root), name: "book" }];
        const answer = await this.connection.sendRequest("initialize", {
            processId: process.pid, rootUri: address(root), capabilities, workspaceFolders: folders,
        });
        await this.connection.sendNotification("initialized", {});
        return answer.capabilities;
    }

    // Opens a text and waits for its diagnostics; `until` says which ones are meant.
    open(uri, text, until = () => true) {
        const found = this.reported(uri, until);
        this.connection.sendNotification("textDocument/didOpen", {
            textDocument: { uri, languageId: "yaml", version: 1, text },
        });
        return found;
    }

    change(uri, version, text, until = () => true) {
        const found = this.reported(uri, until);
        this.connection.sendNotification("textDocument/didChange", {
            textDocument: { uri, version }, contentChanges: [{ text }],
        });
        return found;
    }

    reported(uri, until) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`no such diagnostics of ${uri} in 20 s`)), 20_000);
            this.waiting.push((of, diagnostics) => {
                if (of !== uri || !until(diagnostics)) return false;
                clearTimeout(timer);
                resolve(diagnostics);
                return true;
            });
        });
    }

    ask(method, uri, position, more = {}) {
        return this.connection.sendRequest(method, { textDocument: { uri }, position, ...more });
    }

    async stop() {
        await this.connection.sendRequest("shutdown");
        await this.connection.sendNotification("exit");
        return this.exit;
    }
}

// Takes the bar out of a text and says where it was.
export function cursor(text) {
    const offset = text.indexOf("|");
    const before = text.slice(0, offset).split("\n");
    return {
        text: text.slice(0, offset) + text.slice(offset + 1),
        position: { line: before.length - 1, character: before.at(-1).length },
    };
}

export const labels = (answer) => (Array.isArray(answer) ? answer : answer.items).map((item) => item.label);

export const said = (hover) =>
    hover === null ? "" : typeof hover.contents === "string" ? hover.contents : hover.contents.value;
