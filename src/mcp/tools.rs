//! The tools: which command each runs, and which of its options it has.

use serde_json::{Map, Value, json};

/// A tool.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What it does, for whoever chooses among tools.
    description: &'static str,
    /// The command with what is always given.
    command: &'static [&'static str],
    /// How its output is read.
    output: Output,
    /// Whether the command takes `--at`.
    timed: bool,
    arguments: &'static [Argument],
}

/// What a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// One JSON object.
    Json,
    /// A JSON object on each line.
    Lines,
    /// Text for people.
    Text,
}

/// An argument of a tool.
struct Argument {
    name: &'static str,
    description: &'static str,
    is: Is,
    required: bool,
    given: Given,
}

/// What an argument is.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Texts,
    Truth,
    /// An object, which is given as JSON.
    Object,
    /// Files with their new contents.
    Files,
}

/// How an argument is given to the command.
#[derive(Clone, Copy)]
enum Given {
    /// As the value of an option.
    Option(&'static str),
    /// By its place.
    Place,
    /// With all others as one JSON object on stdin.
    Stdin,
}

/// A call of a command.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// The command and its options.
    pub options: Vec<String>,
    /// The arguments behind `--`.
    pub places: Vec<String>,
    /// What it reads from stdin.
    pub stdin: Option<Value>,
    /// What it writes.
    pub output: Output,
    /// Whether it takes `--at`.
    pub timed: bool,
}

const fn option(name: &'static str, description: &'static str, is: Is, option: &'static str) -> Argument {
    Argument { name, description, is, required: false, given: Given::Option(option) }
}

const fn place(name: &'static str, description: &'static str, is: Is, required: bool) -> Argument {
    Argument { name, description, is, required, given: Given::Place }
}

const fn stdin(name: &'static str, description: &'static str, is: Is, required: bool) -> Argument {
    Argument { name, description, is, required, given: Given::Stdin }
}

const AT: Argument = option("at", "Use this date or instant as the current time.", Is::Text, "at");

/// Every tool, in the order in which they are listed.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "lint",
        description: "Finds errors and collisions in the book, each at its place, with what to do. With `against` it checks the book as \
                      it will be after a merge into that branch, and what the change does to running tests.",
        command: &["lint", "--format", "json"],
        output: Output::Json,
        timed: true,
        arguments: &[
            option(
                "against",
                "The branch, tag or commit into which the change is to be merged.",
                Is::Text,
                "against",
            ),
            option("select", "Show only findings of these rules.", Is::Texts, "select"),
            AT,
        ],
    },
    Tool {
        name: "plan",
        description: "Shows what an apply would change in a target, and who would be served something else.",
        command: &["plan", "--format", "json"],
        output: Output::Json,
        timed: true,
        arguments: &[
            option("target", "The target; the primary target when left out.", Is::Text, "target"),
            AT,
        ],
    },
    Tool {
        name: "status",
        description: "Shows what runs, since when, in which state, and what is next.",
        command: &["status", "--format", "json"],
        output: Output::Json,
        timed: true,
        arguments: &[
            place(
                "experiments",
                "The experiments; when none is named, all without a decision.",
                Is::Texts,
                false,
            ),
            option("team", "Only experiments of these owners.", Is::Texts, "team"),
            option("surface", "Only experiments on these surfaces.", Is::Texts, "surface"),
            option("layer", "Only experiments in these layers.", Is::Texts, "layer"),
            option("concluded", "Show concluded experiments too.", Is::Truth, "concluded"),
            AT,
        ],
    },
    Tool {
        name: "why",
        description: "Explains why a unit was served a variant of a flag at a time: by which rule, holdout, experiment or rollout, by \
                      which commit and pull request, and every change since.",
        command: &["why", "--format", "json"],
        output: Output::Json,
        timed: true,
        arguments: &[
            place("unit", "The unit's id.", Is::Text, true),
            place("flag", "The flag.", Is::Text, true),
            option("context", "The attributes of the unit.", Is::Object, "context"),
            AT,
        ],
    },
    Tool {
        name: "evaluate",
        description: "Shows what a context is served and why, for some flags or for all.",
        command: &["evaluate"],
        output: Output::Lines,
        timed: true,
        arguments: &[
            place("flags", "The flags; when none is named, all that are served.", Is::Texts, false),
            Argument {
                required: true,
                ..option(
                    "context",
                    "The attributes; `targetingKey` holds the unit's id.",
                    Is::Object,
                    "context",
                )
            },
            option("target", "The target; the primary target when left out.", Is::Text, "target"),
            AT,
        ],
    },
    Tool {
        name: "power",
        description: "Computes what an experiment needs before launch: units, days, and the effect that its schedule can find.",
        command: &["power", "--format", "json"],
        output: Output::Json,
        timed: true,
        arguments: &[place("experiment", "The experiment.", Is::Text, true), AT],
    },
    Tool {
        name: "clean",
        description: "Shows what the book no longer needs, with the proof that nobody would notice. Writes nothing.",
        command: &["clean", "--format", "json"],
        output: Output::Json,
        timed: true,
        arguments: &[place("flags", "The flags; all of them when none is named.", Is::Texts, false), AT],
    },
    Tool {
        name: "explain",
        description: "Explains a rule of lint: what it finds, why it matters, an example and what to do. Lists the rules when none is named.",
        command: &["explain", "--color", "never"],
        output: Output::Text,
        timed: false,
        arguments: &[place("rule", "The rule.", Is::Text, false)],
    },
    Tool {
        name: "schema",
        description: "Returns the JSON Schema of a kind of file (`experiment`, `flag`, …) or of what a command writes (`lint-v1`). Lists \
                      the names when none is named.",
        command: &["schema"],
        output: Output::Text,
        timed: false,
        arguments: &[place("name", "The kind or the name.", Is::Text, false)],
    },
    Tool {
        name: "propose_change",
        description: "Proposes edits of the book's files as a commit on a new branch, and opens a pull request where GITHUB_TOKEN is set. \
                      The edits are linted as they will be after the merge, changes of running tests included; edits with errors are \
                      refused with the findings. Files on disk and existing branches stay as they are.",
        command: &["propose"],
        output: Output::Json,
        timed: true,
        arguments: &[
            stdin("title", "What the change does, in one line.", Is::Text, true),
            stdin("description", "Why, for whoever reviews it.", Is::Text, false),
            stdin("base", "The branch that it is to be merged into; `main` when left out.", Is::Text, false),
            stdin("files", "The files with their whole new contents.", Is::Files, true),
            AT,
        ],
    },
];

impl Tool {
    /// Describes the tool as the protocol does.
    pub fn described(&self) -> Value {
        let property =
            |argument: &Argument| (argument.name.to_owned(), argument.is.schema(argument.description));
        let properties: Map<String, Value> = self.arguments.iter().map(property).collect();
        let required: Vec<_> = self
            .arguments
            .iter()
            .filter(|argument| argument.required)
            .map(|argument| argument.name)
            .collect();
        let reads = self.name != "propose_change";
        json!({
            "name": self.name,
            "description": self.description,
            "inputSchema": {"type": "object", "properties": properties, "required": required, "additionalProperties": false},
            "annotations": {"readOnlyHint": reads, "destructiveHint": false, "openWorldHint": !reads},
        })
    }

    /// Returns the call of the command.
    ///
    /// # Errors
    ///
    /// Where an argument is missing, unknown or of another type.
    pub fn call(&self, arguments: &Map<String, Value>) -> Result<Call, String> {
        if let Some(unknown) =
            arguments.keys().find(|name| !self.arguments.iter().any(|known| known.name == *name))
        {
            let known: Vec<_> = self.arguments.iter().map(|argument| argument.name).collect();
            return Err(format!("`{}` has no argument `{unknown}`: it has {}", self.name, known.join(", ")));
        }
        let mut call = Call {
            options: self.command.iter().map(|&word| word.to_owned()).collect(),
            places: Vec::new(),
            stdin: None,
            output: self.output,
            timed: self.timed && !arguments.contains_key("at"),
        };
        let mut document = Map::new();
        for argument in self.arguments {
            let value = match arguments.get(argument.name) {
                None | Some(Value::Null) if argument.required => {
                    return Err(format!("`{}` is missing", argument.name));
                }
                None | Some(Value::Null) => continue,
                Some(value) => value,
            };
            let texts = argument
                .is
                .texts(value)
                .ok_or_else(|| format!("`{}` is {}", argument.name, argument.is.expected()))?;
            match (argument.given, argument.is) {
                (Given::Stdin, _) => {
                    document.insert(argument.name.to_owned(), value.clone());
                }
                (Given::Option(option), Is::Truth) => {
                    call.options.extend((*value == Value::Bool(true)).then(|| format!("--{option}")));
                }
                (Given::Option(option), _) => {
                    call.options.extend(texts.into_iter().map(|text| format!("--{option}={text}")));
                }
                (Given::Place, _) => call.places.extend(texts),
            }
        }
        call.stdin = (!document.is_empty()).then_some(Value::Object(document));
        Ok(call)
    }
}

impl Is {
    fn schema(self, description: &str) -> Value {
        match self {
            Self::Text => json!({"type": "string", "description": description}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}, "description": description}),
            Self::Truth => json!({"type": "boolean", "description": description}),
            Self::Object => json!({"type": "object", "description": description}),
            Self::Files => json!({
                "type": "array",
                "minItems": 1,
                "description": description,
                "items": {
                    "type": "object",
                    "required": ["path", "content"],
                    "additionalProperties": false,
                    "properties": {
                        "path": {"type": "string", "description": "The file, from the book's folder."},
                        "content": {"type": "string", "description": "All that it holds then."},
                    },
                },
            }),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text without zero bytes",
            Self::Texts => "a list of texts without zero bytes",
            Self::Truth => "true or false",
            Self::Object => "an object",
            Self::Files => "a list of files, each with `path` and `content`",
        }
    }

    /// Returns the value as arguments of a command; `None` where it is of another type. No argument can hold a zero byte.
    fn texts(self, value: &Value) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_str().filter(|text| !text.contains('\0')).map(str::to_owned);
        match self {
            Self::Text => Some(vec![text(value)?]),
            Self::Texts => value.as_array()?.iter().map(text).collect(),
            Self::Truth => value.as_bool().map(|_| Vec::new()),
            Self::Object => value.as_object().map(|_| vec![value.to_string()]),
            Self::Files => value.as_array().map(|_| Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: Value) -> Result<Call, String> {
        let tool = TOOLS.iter().find(|tool| tool.name == name).expect("a tool");
        tool.call(arguments.as_object().expect("an object"))
    }

    #[test]
    fn an_argument_is_never_an_option() {
        let called = call("why", json!({"unit": "--book=/etc", "flag": "-x", "context": {"a": "--b"}}))
            .expect("a call");
        assert_eq!(called.options, ["why", "--format", "json", "--context={\"a\":\"--b\"}"]);
        assert_eq!(called.places, ["--book=/etc", "-x"]);
        let called = call("lint", json!({"against": "--upload-pack=x", "at": "2026-11-24"})).expect("a call");
        assert_eq!(
            called.options,
            ["lint", "--format", "json", "--against=--upload-pack=x", "--at=2026-11-24"]
        );
        assert!(!called.timed);
    }

    #[test]
    fn wrong_arguments_are_errors_that_name_them() {
        for (name, arguments, expected) in [
            ("why", json!({"unit": "u"}), "`flag` is missing"),
            ("why", json!({"unit": 7, "flag": "f"}), "`unit` is a text without zero bytes"),
            ("why", json!({"unit": "a\u{0}b", "flag": "f"}), "`unit` is a text without zero bytes"),
            ("status", json!({"team": "a"}), "`team` is a list of texts without zero bytes"),
            ("explain", json!({"role": "x"}), "`explain` has no argument `role`: it has rule"),
        ] {
            assert_eq!(call(name, arguments).expect_err("an error"), expected);
        }
    }
}
