//! `trialbook.yaml`.

use super::audience::Literal;
use super::collection::{List, Map};
use super::experiment::{AnalysisSyntax, GuardrailSyntax};
use super::leaf::Text;
use super::mapping::{mapping, words};
use super::moment::When;
use super::reader::{Reader, Syntax};
use super::shape::{Grammar, Mapping, Others, Shape};
use crate::load::advice::Advice;
use crate::load::rules;
use crate::load::yaml::{Content, Node};
use trialbook_model::ServerEngine;
use trialbook_model::span::Spanned;
use trialbook_model::{
    AttributeKey, AttributeType, ColumnName, Duration, EntityKey, Evaluator, MetricKey, Share, SurfaceKey,
    TargetKey, TargetType,
};

mapping! {
    /// The book: entities, attributes, surfaces, targets, warehouse, defaults, policy.
    struct BookFile: "a book" {
        /// The book's name. What trialbook makes in a target carries it.
        "book" required name: BookName,
        /// The IANA time zone in which dates begin; UTC unless given.
        "timezone" optional timezone: Text = "UTC",
        /// Units of randomisation.
        "entities" required entities: Map<EntityKey, EntitySyntax>,
        /// The evaluation context, typed. Targeting may use nothing else.
        "attributes" optional attributes: Map<AttributeKey, AttributeSyntax>,
        /// Parts of the product.
        "surfaces" optional surfaces: Map<SurfaceKey, SurfaceSyntax>,
        /// Flag back ends.
        "targets" optional targets: Map<TargetKey, TargetSyntax>,
        /// Where the data lives.
        "warehouse" optional warehouse: WarehouseSyntax,
        /// Where pull requests are.
        "github" optional github: GithubSyntax,
        /// What every experiment would otherwise copy.
        "defaults" optional defaults: DefaultsSyntax,
        /// What the book demands of everyone.
        "policy" optional policy: PolicySyntax,
    }
    declares "entities" | "attributes" | "surfaces" | "targets";
}

/// A name with the grammar of a key.
#[derive(Debug)]
pub struct BookName(pub String);

impl Syntax for BookName {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        // A surface's key has the same grammar.
        SurfaceKey::read(node, reader).map(|key| Self(key.into()))
    }

    fn shape() -> Shape {
        match SurfaceKey::shape() {
            Shape::Name(_, grammar) => Shape::Text(Grammar { expected: "a book's name", ..grammar }),
            other => other,
        }
    }
}

mapping! {
    /// A unit of randomisation.
    struct EntitySyntax: "an entity" {
        /// The warehouse column that holds its id, where a source declares no other.
        "column" required column: ColumnName,
        /// The context attribute that holds its id; the context's targeting key unless given.
        "context" optional context: AttributeKey,
        /// How many different ones the whole product sees within spans of time, such as `{1d: 9000, 7d: 42000}`.
        "traffic" optional traffic: TrafficSyntax,
    }
}

/// How many distinct units are seen within spans of time.
pub type TrafficSyntax = Map<Duration, u32>;

mapping! {
    /// An attribute of the evaluation context.
    struct AttributeSyntax: "an attribute" {
        /// The type that makes a value count; a value of another type counts as missing.
        "type" required kind: AttributeType,
        /// `true` where a unit keeps its value for as long as a test may run.
        "stable" optional stable: bool,
        /// The values that occur: a list, or a mapping with each one's share of traffic. Left out: any value.
        "values" optional values: Values,
        /// The least number that occurs.
        "min" optional min: f64,
        /// The greatest number that occurs.
        "max" optional max: f64,
    }
}

/// The values that an attribute may have, with their shares where they are declared.
#[derive(Debug)]
pub struct Values(pub Vec<(Spanned<Literal>, Option<Spanned<Share>>)>);

impl Syntax for Values {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Sequence(items) => {
                let values = items.iter().filter_map(|item| Some((reader.item(item)?, None)));
                Some(Self(values.collect()))
            }
            Content::Mapping(entries) => {
                let mut values = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = Literal::of_key(entry);
                    let share = reader.field(entry);
                    values.push((Spanned { value: key, span: entry.key_span }, share));
                }
                Some(Self(values))
            }
            Content::Scalar(_) => {
                let expected = "a list such as `[SE, FI]`, or a mapping such as `{SE: 70%, FI: 30%}`";
                reader.expected(rules::WRONG_TYPE, node, expected, "");
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Either(&[List::<Literal>::shape, || {
            let names = || Shape::Literal { ordered: false };
            let others = Some(Others { names, shape: Share::shape, doc: "" });
            Shape::Mapping(Mapping { what: "values with their shares", others, ..Mapping::NONE })
        }])
    }
}

mapping! {
    /// A part of the product.
    struct SurfaceSyntax: "a surface" {
        /// Who answers for it.
        "owner" optional owner: Text,
        /// How many different units of an entity it sees within spans of time, such as `user: {1d: 9000, 7d: 42000}`.
        "traffic" optional traffic: Map<EntityKey, TrafficSyntax>,
    }
}

mapping! {
    /// A flag back end.
    struct TargetSyntax: "a target" {
        /// Its kind.
        "type" required kind: TargetType,
        /// Launches, exposures and analysis belong to this one. Of several targets one declares `true`; an only one need not.
        "primary" optional primary: bool,
        /// `false`: it serves flags and their rules alone, so that nobody randomises testers.
        "experiments" optional experiments: bool,
        /// flagd: where the flags are kept: `file://` and a path relative to the book's root, a place in a bucket (`s3://`, `gs://`, `az://`), or `git://REMOTE/BRANCH/PATH`.
        "store" optional store: Text,
        /// The evaluators that serve from it; unless given, `[javascript-4]` for flagd and `[unleash-node-6]` for Unleash.
        "evaluators" optional evaluators: List<Evaluator>,
        /// Unleash: where the server is; `https://`, or `http://` to this machine.
        "url" optional url: Text,
        /// Unleash: the project that the flags are in.
        "project" optional project: Text,
        /// Unleash: the environment that is written.
        "environment" optional environment: Text,
        /// Unleash: the environment variable that holds the token. Never the token.
        "token_env" optional token_env: Text,
        /// Unleash: where applies are written down: `file://` and a path relative to the book's root, or a place in a bucket (`s3://`, `gs://`, `az://`).
        "journal" optional journal: Text,
    }
    by "type" {
        "flagd" => "a target of type `flagd`" needs ["store"] takes ["evaluators"],
        "unleash" => "a target of type `unleash`" needs ["url", "project", "environment", "token_env", "journal"] takes ["evaluators"],
    }
}

/// A kind of warehouse.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    /// The embedded DuckDB.
    Duckdb,
    /// A PostgreSQL server.
    Postgres,
    /// Another server.
    Server(ServerEngine),
}

words! { Engine: "an engine, such as `duckdb` or `postgres`" {
    /// The embedded DuckDB.
    "duckdb" => Engine::Duckdb,
    /// A PostgreSQL server.
    "postgres" => Engine::Postgres,
    /// BigQuery.
    "bigquery" => Engine::Server(ServerEngine::Bigquery),
    /// Databricks SQL.
    "databricks" => Engine::Server(ServerEngine::Databricks),
    /// Amazon Redshift.
    "redshift" => Engine::Server(ServerEngine::Redshift),
    /// Snowflake.
    "snowflake" => Engine::Server(ServerEngine::Snowflake),
    /// Apache Spark, through Spark Connect.
    "spark" => Engine::Server(ServerEngine::Spark),
    /// Trino.
    "trino" => Engine::Server(ServerEngine::Trino),
} }

mapping! {
    /// Where the data lives.
    struct WarehouseSyntax: "a warehouse" {
        /// Its kind.
        "engine" required engine: Engine,
        /// DuckDB: the database file, relative to the book's root. Left out: sources are files.
        "database" optional database: Text,
        /// A server: the environment variable that holds the address, and perhaps the password. Never the address.
        "uri_env" optional uri_env: Text,
        /// How long one query may take; left out: ten minutes.
        "timeout" optional timeout: Duration,
        /// DuckDB: the memory that it may use, beyond which it spills to disk; left out: 4GiB.
        "memory" optional memory: Size,
        /// DuckDB: the threads that it may use; left out: one for each core.
        "threads" optional threads: u32,
        /// DuckDB: the disk that it may use for what does not fit the memory; left out: what is free.
        "spill" optional spill: Size,
    }
    by "engine" {
        "duckdb" => "the embedded DuckDB" needs [] takes ["database", "memory", "threads", "spill"],
        "postgres" | "bigquery" | "databricks" | "redshift" | "snowflake" | "spark" | "trino"
            => "a warehouse that is a server" needs ["uri_env"] takes [],
    }
}

/// An amount of memory or disk, in MiB.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub u32);

impl Syntax for Size {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const EXPECTED: &str = "an amount such as `512MiB` or `8GiB`";
        let text = reader.text(node, rules::BAD_NUMBER, EXPECTED)?;
        let whole =
            |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok())?;
        let mib = match (text.strip_suffix("GiB"), text.strip_suffix("MiB")) {
            (Some(gib), _) => whole(gib).and_then(|gib| gib.checked_mul(1024)),
            (None, Some(mib)) => whole(mib),
            (None, None) => None,
        };
        if mib.is_none_or(|mib| mib < Self::LEAST) {
            let help = "write a whole number with `MiB` or `GiB` behind it, 64MiB or more";
            reader.expected(rules::BAD_NUMBER, node, EXPECTED, help);
            return None;
        }
        mib.map(Self)
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "an amount such as `512MiB` or `8GiB`",
            pattern: "^[0-9]+(MiB|GiB)$",
            examples: &["512MiB", "8GiB"],
        })
    }
}

impl Size {
    /// With less the engine does nothing but spill.
    const LEAST: u32 = 64;
}

mapping! {
    /// Where pull requests are.
    struct GithubSyntax: "the GitHub settings" {
        /// `owner/name`.
        "repository" required repository: Repository,
    }
}

/// `owner/name`.
#[derive(Debug)]
pub struct Repository(pub String);

impl Syntax for Repository {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const EXPECTED: &str = "a repository such as `acme/shop`";
        let text = reader.string(node, EXPECTED)?;
        let part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        if text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name)) {
            return Some(Self(text.to_owned()));
        }
        let help = text
            .strip_prefix("https://github.com/")
            .map(|rest| Advice::write(rest.trim_end_matches('/').trim_end_matches(".git")));
        reader.expected(rules::BAD_KEY, node, EXPECTED, help.unwrap_or_default());
        None
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "a repository such as `acme/shop`",
            pattern: "^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$",
            examples: &["acme/shop"],
        })
    }
}

mapping! {
    /// What every experiment would otherwise copy. Added where an experiment does not use the metric itself, and
    /// where the metric is measured on the unit that the experiment randomises.
    struct DefaultsSyntax: "the defaults" {
        /// Guardrails of every experiment.
        "guardrails" optional guardrails: List<GuardrailSyntax>,
        /// Exploratory metrics of every experiment.
        "exploratory" optional exploratory: List<MetricKey>,
        /// How experiments are judged.
        "analysis" optional analysis: AnalysisSyntax,
        /// What the experiments on a surface have in common.
        "surfaces" optional surfaces: Map<SurfaceKey, SurfaceDefaultsSyntax>,
    }
}

mapping! {
    /// What the experiments on a surface have in common.
    struct SurfaceDefaultsSyntax: "a surface's defaults" {
        /// Guardrails of every experiment on the surface.
        "guardrails" optional guardrails: List<GuardrailSyntax>,
        /// Exploratory metrics of every experiment on the surface.
        "exploratory" optional exploratory: List<MetricKey>,
    }
}

mapping! {
    /// What the book demands of everyone.
    struct PolicySyntax: "a policy" {
        /// The longest that an experiment may enrol.
        "max_duration" optional max_duration: Duration,
        /// Periods in which nothing is launched.
        "freeze" optional freeze: List<FreezeSyntax>,
        /// When a plan is too large to apply unasked.
        "large_change" optional large_change: LargeChangeSyntax,
        /// When a result is invalid.
        "quality" optional quality: QualitySyntax,
    }
}

mapping! {
    /// A period in which nothing is launched.
    struct FreezeSyntax: "a freeze" {
        /// The first day, or the instant.
        "from" required from: When,
        /// The first day after it, or the instant.
        "until" required until: When,
        /// Why.
        "reason" required reason: Text,
    }
}

mapping! {
    /// A plan is too large when it changes more than `share` of the live flags, and at least `at_least` of them.
    struct LargeChangeSyntax: "a large change" {
        /// The share of the live flags that may change; 30% unless given.
        "share" optional share: Share = "30%",
        /// Never refuses fewer changes than this; 10 unless given.
        "at_least" optional at_least: u32 = 10,
    }
}

mapping! {
    /// The thresholds past which a result is invalid.
    struct QualitySyntax: "the quality thresholds" {
        /// A sample ratio this improbable under the declared split is a mismatch; 0.1% unless given.
        "sample_ratio_p" optional sample_ratio_p: Share = "0.1%",
        /// The share of units seen in two variants; 1% unless given.
        "in_two_variants" optional in_two_variants: Share = "1%",
        /// The share of units first exposed outside the schedule; 1% unless given.
        "outside_schedule" optional outside_schedule: Share = "1%",
        /// The fewest units that a variant may have; 100 unless given.
        "min_units_per_variant" optional min_units_per_variant: u32 = 100,
    }
}
