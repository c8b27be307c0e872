// Takes the operations that the client uses out of GitHub's own OpenAPI description, as JSON Schema.
//
//   npm install --prefix openapi @octokit/openapi@23.0.2
//   node tests/github/contract/extract.mjs openapi/node_modules/@octokit/openapi
//
// One file per operation: its source, the parameters, the request's schema, and each answer's schema and example.
// OpenAPI 3.0's `nullable` becomes a type `null`; prose is left out.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const OPERATIONS = [
  "repos/list-pull-requests-associated-with-commit",
  "pulls/list",
  "pulls/create",
  "issues/list-comments",
  "issues/create-comment",
  "issues/get-comment",
  "issues/update-comment",
  "issues/delete-comment",
  "repos/list-commit-statuses-for-ref",
  "repos/create-commit-status",
  "checks/create",
  "checks/update",
  "git/get-ref",
  "git/get-commit",
  "git/create-tree",
  "git/create-commit",
  "git/create-ref",
  "git/delete-ref",
];

const [, , packageFolder] = process.argv;
if (!packageFolder) {
  console.error("usage: node extract.mjs FOLDER-OF-@octokit/openapi");
  process.exit(64);
}
const { version, license } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8"));
const description = JSON.parse(await readFile(join(packageFolder, "generated/api.github.com.json"), "utf8"));

const resolve = (pointer) => pointer.slice(2).split("/").reduce((value, key) => value[key], description);
const follow = (value) => (value?.$ref ? follow(resolve(value.$ref)) : value);

const PROSE = new Set(["description", "example", "examples", "title", "deprecated", "x-github-breaking-changes"]);

// A schema in JSON Schema's words; every other schema that it names is put into `definitions`.
function schema(value, definitions, names = false) {
  if (Array.isArray(value)) return value.map((item) => schema(item, definitions));
  if (value === null || typeof value !== "object") return value;
  if (!names && value.$ref) {
    const name = value.$ref.split("/").pop();
    if (!(name in definitions)) {
      definitions[name] = true;
      definitions[name] = schema(resolve(value.$ref), definitions);
    }
    return { $ref: `#/$defs/${name}` };
  }
  const made = {};
  for (const [key, inner] of Object.entries(value)) {
    if (!names && (PROSE.has(key) || key === "nullable" || key === "discriminator")) continue;
    made[key] = key === "enum" ? inner : schema(inner, definitions, !names && key === "properties");
  }
  if (names || !value.nullable) return made;
  if (typeof made.type === "string") {
    made.type = [made.type, "null"];
    if (made.enum && !made.enum.includes(null)) made.enum = [...made.enum, null];
    return made;
  }
  return { anyOf: [made, { type: "null" }] };
}

function content(holder) {
  const json = holder?.content?.["application/json"];
  if (!json) return null;
  const definitions = {};
  const made = schema(json.schema, definitions);
  const example = follow(Object.values(json.examples ?? {})[0])?.value ?? null;
  return { schema: { $schema: "https://json-schema.org/draft/2020-12/schema", ...made, $defs: definitions }, example };
}

for (const id of OPERATIONS) {
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId !== id) continue;
      const parameters = (operation.parameters ?? []).map(follow);
      const responses = {};
      for (const [status, response] of Object.entries(operation.responses)) {
        responses[status] = content(follow(response));
      }
      const made = {
        source: `${description.info.title}, npm package @octokit/openapi ${version}, ${license} licence`,
        operation: id,
        method: method.toUpperCase(),
        path,
        parameters: parameters.map(({ name, in: place, required, schema: type }) => ({
          name,
          in: place,
          required: required === true,
          schema: schema(type, {}),
        })),
        request: content(operation.requestBody),
        responses,
      };
      const file = join(import.meta.dirname, `${id.replace("/", "-")}.json`);
      await writeFile(file, `${JSON.stringify(made, null, 1)}\n`);
      console.log(file);
    }
  }
}
