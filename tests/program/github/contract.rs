//! GitHub's published description of its API, and whether an exchange keeps to it.
//!
//! `contract/*.json` is taken from GitHub's OpenAPI description by `contract/extract.mjs`; each file names its
//! source, version and licence.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct File {
    operation: String,
    method: String,
    path: String,
    parameters: Vec<Parameter>,
    request: Option<Content>,
    responses: BTreeMap<String, Option<Content>>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    r#in: String,
    required: bool,
    schema: Value,
}

#[derive(Deserialize)]
struct Content {
    schema: Value,
    example: Value,
}

/// One operation of the API.
pub struct Operation {
    pub name: String,
    method: String,
    path: Vec<String>,
    parameters: Vec<(Parameter, Validator)>,
    request: Option<Validator>,
    /// None for a status whose answer has no body.
    responses: BTreeMap<u16, Option<(Validator, Value)>>,
}

/// Every operation that the client may use.
pub struct Contract(Vec<Operation>);

impl Contract {
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/github/contract");
        let mut operations = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let file: File = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
                operations.push(Operation::from_file(file));
            }
        }
        assert_eq!(operations.len(), 18);
        Contract(operations)
    }

    /// The operation that a method and a path below the API's root name.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        self.0.iter().find(|operation| operation.method == method && operation.bind(path).is_some())
    }

    /// GitHub's own example of an operation's answer.
    pub fn example(&self, name: &str, status: u16) -> Value {
        let operation = self.0.iter().find(|operation| operation.name == name).expect("a known operation");
        let (_, example) = operation.responses[&status].as_ref().expect("an answer with a body");
        assert!(!example.is_null());
        example.clone()
    }
}

impl Operation {
    fn from_file(file: File) -> Self {
        let with_schema = |parameter: Parameter| {
            let validator = validator(&parameter.schema);
            (parameter, validator)
        };
        Operation {
            name: file.operation,
            method: file.method,
            path: file.path.split('/').map(str::to_owned).collect(),
            parameters: file.parameters.into_iter().map(with_schema).collect(),
            request: file.request.map(|content| validator(&content.schema)),
            responses: file
                .responses
                .into_iter()
                .map(|(status, content)| {
                    let content = content.map(|content| (validator(&content.schema), content.example));
                    (status.parse().unwrap(), content)
                })
                .collect(),
        }
    }

    /// The path's parameters, if it is this operation's.
    fn bind(&self, path: &str) -> Option<BTreeMap<&str, String>> {
        let parts: Vec<&str> = path.split('/').collect();
        if parts.len() != self.path.len() {
            return None;
        }
        let mut bound = BTreeMap::new();
        for (pattern, part) in self.path.iter().zip(parts) {
            match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => {
                    bound.insert(name, part.to_owned());
                }
                None if pattern == part => {}
                None => return None,
            }
        }
        Some(bound)
    }

    /// What in a request is against the description.
    pub fn request_problems(&self, path: &str, query: &[(String, String)], body: &[u8]) -> Vec<String> {
        let mut problems = Vec::new();
        let bound = self.bind(path).expect("the operation was found by its path");
        for (parameter, validator) in &self.parameters {
            let given = match parameter.r#in.as_str() {
                "path" => bound.get(parameter.name.as_str()),
                _ => query.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value),
            };
            let Some(given) = given else {
                if parameter.required {
                    problems.push(format!("`{}` is missing", parameter.name));
                }
                continue;
            };
            let wants_number = parameter.schema["type"] == "integer";
            let value = match given.parse::<u64>() {
                Ok(number) if wants_number => Value::from(number),
                _ => Value::from(given.clone()),
            };
            problems.extend(validator.iter_errors(&value).map(|e| format!("`{}`: {e}", parameter.name)));
        }
        for (name, _) in query {
            let known = self.parameters.iter().any(|(p, _)| p.r#in == "query" && p.name == *name);
            if !known {
                problems.push(format!("`{name}` is no parameter of {}", self.name));
            }
        }
        match (&self.request, body) {
            (None, []) => {}
            (None, _) => problems.push(format!("{} takes no body", self.name)),
            (Some(schema), body) => match serde_json::from_slice::<Value>(body) {
                Ok(value) => problems.extend(schema.iter_errors(&value).map(|error| error.to_string())),
                Err(error) => problems.push(format!("the body is not JSON: {error}")),
            },
        }
        problems
    }

    /// What in an answer is against the description; a status that it does not name is let pass.
    pub fn response_problems(&self, status: u16, body: &Value) -> Vec<String> {
        match self.responses.get(&status) {
            Some(Some((schema, _))) => schema.iter_errors(body).map(|error| error.to_string()).collect(),
            _ => Vec::new(),
        }
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema of the contract is one")
}

#[test]
fn a_request_that_github_would_not_take_is_found_out() {
    let contract = Contract::read();
    let path = "/repos/acme/shop/issues/7/comments";
    let create = contract.operation("POST", path).unwrap();
    assert_eq!(create.request_problems(path, &[], br#"{"body": "x"}"#), Vec::<String>::new());
    assert_eq!(create.request_problems(path, &[], br#"{"text": "x"}"#).len(), 1);
    assert_eq!(create.request_problems(path, &[], br#"{"body": 1}"#).len(), 1);
    assert_eq!(create.request_problems(path, &[], b"body=x").len(), 1);
    assert_eq!(
        create.request_problems("/repos/acme/shop/issues/x/comments", &[], br#"{"body": ""}"#).len(),
        1
    );
    assert_eq!(create.request_problems(path, &[("pages".into(), "1".into())], br#"{"body": ""}"#).len(), 1);
    assert!(contract.operation("PUT", path).is_none());
}

#[test]
fn an_answer_that_github_would_not_give_is_found_out() {
    let contract = Contract::read();
    let create = contract.operation("POST", "/repos/acme/shop/issues/7/comments").unwrap();
    let mut comment = contract.example("issues/create-comment", 201);
    assert_eq!(create.response_problems(201, &comment), Vec::<String>::new());
    comment["id"] = "1".into();
    assert_eq!(create.response_problems(201, &comment).len(), 1);
}
