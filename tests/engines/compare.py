"""Analyses one book in every engine, format and dialect, and compares the outcomes number by number."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time

PROGRAM, WORK = sys.argv[1], sys.argv[2]
SCHEMA = os.environ["ENGINES_SCHEMA"]
FILES = {
    "duckdb: parquet": ("warehouse: {engine: duckdb}", "file: data/{table}.parquet", "parquet"),
    "duckdb: csv": ("warehouse: {engine: duckdb}", "file: data/{table}.csv", "csv"),
    "duckdb: ndjson": ("warehouse: {engine: duckdb}", "file: data/{table}.ndjson", "ndjson"),
    "duckdb: ndjson.gz": ("warehouse: {engine: duckdb}", "file: data/{table}.jsonl.gz", "jsonl"),
    "duckdb: csv.gz": ("warehouse: {engine: duckdb}", "file: data/{table}.csv.gz", "gzip"),
    "duckdb: folders of Hive": ("warehouse: {engine: duckdb}", "file: data/{table}/**/*.parquet", "hive"),
}
SERVER = "warehouse: {engine: postgres, uri_env: WAREHOUSE_ENGINES_URI}"
ENGINES = {
    "duckdb: tables": ("warehouse: {engine: duckdb, database: tables.duckdb}", "table: {table}", None),
    **FILES,
    "postgres: tables": (SERVER, f"table: {SCHEMA}.{{table}}", None),
    "postgres: sql": (SERVER, f"sql: SELECT * FROM {SCHEMA}.{{table}}", None),
}
# Engines whose SQL is answered by `answer.py`: parsed by sqlglot and run by DuckDB.
DIALECTS = ["bigquery", "databricks", "redshift", "snowflake", "spark", "trino"]
# One that is judged once, one that is looked at every day, one whose data carry a verdict, and one whose split is broken.
EXPERIMENTS = ["button-test", "banner-test", "offer-test", "price-test"]
# What names an engine and its SQL, and what is computed of these.
OF_THE_ENGINE = {"engine", "queries", "digest", "tool"}
# How many seconds each analysis took.
took = {}


def book(name, warehouse, relation, data):
    """Writes the book for an engine, and returns its folder."""
    folder = os.path.join(WORK, "books", "".join(c if c.isalnum() else "-" for c in name))
    shutil.copytree("book", folder)
    for file in os.listdir(folder):
        path = os.path.join(folder, file)
        text = open(path).read()
        text = text.replace("WAREHOUSE", warehouse)
        for table in ["exposures", "purchases", "sessions", "pages"]:
            text = text.replace(f"RELATION {table}", relation.format(table=table))
        open(path, "w").write(text)
    if data:
        shutil.copytree(os.path.join(WORK, data), os.path.join(folder, "data"))
    else:
        shutil.copy(os.path.join(WORK, "tables.duckdb"), folder)
    return folder


def run(folder, *args, **environment):
    return subprocess.run(
        [PROGRAM, "--book", folder, *args],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "TZ": "America/New_York", **environment},
    )


def outcome(name, entry, **environment):
    folder = book(name, *entry)
    out = folder + "-outcomes/"
    started = time.monotonic()
    done = run(folder, "analyze", *EXPERIMENTS, "--as-of", "2026-04-20", "--out", out, **environment)
    took[name] = time.monotonic() - started
    assert done.returncode == 0, f"{name}: {done.returncode}\n{done.stderr}"
    texts = {experiment: open(os.path.join(out, experiment + ".json")).read() for experiment in EXPERIMENTS}
    assert os.environ["ENGINES_PASSWORD"] not in done.stderr + "".join(texts.values()), f"{name} shows the password"
    return {experiment: of_the_data(json.loads(text)) for experiment, text in texts.items()}


def of_the_data(found):
    return {key: value for key, value in found.items() if key not in OF_THE_ENGINE}


def answered(engine):
    """Analyses the book in a dialect, with the program that lets a pipe answer its queries."""
    folder = book("dialect " + engine, f"warehouse: {{engine: {engine}, uri_env: WAREHOUSE_ENGINES_NONE}}", "table: {table}", None)
    answer = [sys.executable, os.path.abspath("answer.py"), engine, WORK]
    done = subprocess.run(
        [os.environ["ENGINES_DIALECT"], engine, folder, "2026-04-20T00:00:00+02:00", *EXPERIMENTS, "--", *answer],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{engine}: {done.returncode}\n{done.stderr}"
    return {found["experiment"]["key"]: of_the_data(found) for found in json.loads(done.stdout)}


def without_the_plan(outcomes):
    """Leaves out what the program adds to an outcome after the analysis: the file and the pre-registration."""
    return {
        name: {**found, "preregistration": None, "experiment": {**found["experiment"], "file": None}}
        for name, found in outcomes.items()
    }


def differences(a, b, path=""):
    """Returns where two outcomes differ, numbers by more than nine digits."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from differences(a.get(key), b.get(key), f"{path}/{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, (one, other) in enumerate(zip(a, b)):
            yield from differences(one, other, f"{path}/{number}")
    elif isinstance(a, float) or isinstance(b, float):
        numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
        if not (numbers and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)):
            yield f"{path}: {a!r} and {b!r}"
    elif a != b and not same_number(a, b):
        yield f"{path}: {a!r} and {b!r}"


def same_number(a, b):
    """Tells whether two texts are one number: a dimension that has a fraction is written as each engine writes it."""
    try:
        return isinstance(a, str) and isinstance(b, str) and float(a) == float(b)
    except ValueError:
        return False


def measured(found):
    """Returns how many moments an outcome has: two empty outcomes would be the same."""
    return sum(1 for metric in found["metrics"] for arm in metric.get("arms", []) if arm.get("moments"))


def looked(found):
    """Returns how many estimates an outcome has of the looks at its metrics."""
    comparisons = [comparison for metric in found["metrics"] for comparison in metric["comparisons"]]
    return sum(len(comparison["looks"]["path"]) for comparison in comparisons if comparison.get("looks"))


def divided(found):
    """Returns how many effects an outcome has in parts of its units, and over time: metrics of every kind are among both."""
    assert len(found["dimensions"]) >= 20, f"only {len(found['dimensions'])} metrics by dimension"
    kinds = {(metric["metric"], scale) for metric in found["metrics"] for scale in ["since-exposure", "day-of-exposure"]}
    shown = {(effects["metric"], effects["by"]) for effects in found["over_time"]}
    # Most units do nothing on most days, so that a quantile has no days since the exposure.
    missing = kinds - shown - {("dear-units", "since-exposure"), ("prompt-pages", "since-exposure")}
    assert not missing, f"not shown over time: {sorted(missing)}"
    return [sum(len(effects["parts"]) for effects in found[by]) for by in ["dimensions", "over_time"]]


def refuses(name, done, *said):
    assert done.returncode != 0, f"{name}: it was not refused\n{done.stdout}"
    for part in said:
        assert part in done.stderr, f"{name}: {part!r} is missing\n{done.stderr}"
    assert os.environ["ENGINES_PASSWORD"] not in done.stdout + done.stderr, f"{name} shows the password"
    print(f"ok  {name}")


def source(folder, sql):
    """Lets the purchases be what a SELECT returns."""
    path = os.path.join(folder, "purchases.source.yaml")
    text = open(path).read()
    line = next(line for line in text.splitlines() if line.startswith(("table:", "sql:")))
    open(path, "w").write(text.replace(line, f"sql: {json.dumps(sql)}"))


def locks():
    """Checks what a server's outcome cannot show: who may connect, and what a book's SQL cannot do."""
    analyze = ["analyze", "button-test", "--as-of", "2026-04-20"]
    folder = book("locks", *ENGINES["postgres: tables"])
    admin = os.environ["ENGINES_ADMIN"]
    refuses("a superuser is refused", run(folder, *analyze, WAREHOUSE_ENGINES_URI=admin), "superuser", "only read")
    nowhere = os.environ["WAREHOUSE_ENGINES_URI"].rsplit(":", 1)[0] + ":1/none"
    refuses("a server that is not there", run(folder, *analyze, WAREHOUSE_ENGINES_URI=nowhere), "WAREHOUSE_ENGINES_URI", "port 1 failed")
    refuses("an address that is none", run(folder, *analyze, WAREHOUSE_ENGINES_URI="mysql://x"), "postgresql://USER")
    refuses("no driver", run(folder, *analyze, ADBC_DRIVER_PATH="/none"), "adbc-driver-postgresql", "dbc install")
    for name, sql in {
        "a setting is not changed": "SELECT set_config('transaction_read_only', 'off', false) AS user_id",
        "a file is not read": "SELECT pg_read_file('/etc/passwd') AS user_id",
        "nothing is written": f"WITH gone AS (DELETE FROM {SCHEMA}.pages RETURNING *) SELECT * FROM gone",
        "there is one statement": "SELECT 1 AS user_id; SELECT 2",
    }.items():
        folder = book(name, *ENGINES["postgres: tables"])
        source(folder, sql)
        refuses(name, run(folder, *analyze), "purchases")
    folder = book("slow", *ENGINES["postgres: tables"])
    endless = f"SELECT p.* FROM {SCHEMA}.purchases p, generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    source(folder, endless)
    done = run(folder, *analyze, "--query-timeout", "2")
    assert "longer than 2 seconds" in done.stdout + done.stderr, f"no query was stopped\n{done.stdout}{done.stderr}"
    print("ok  a query is stopped at its time limit")
    left_alone(folder, analyze)


def left_alone(folder, analyze):
    """Checks that a server does not go on computing for a program that was interrupted."""
    import psycopg

    running = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND state = 'active'"
    with psycopg.connect(os.environ["ENGINES_ADMIN"], autocommit=True) as connection:
        def wait_until(wanted, seconds):
            for _ in range(seconds * 10):
                count = connection.execute(running, [os.environ["ENGINES_ROLE"]]).fetchone()[0]
                if (count > 0) == wanted:
                    return True
                time.sleep(0.1)
            return False

        process = subprocess.Popen(
            [PROGRAM, "--book", folder, *analyze], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert wait_until(True, 60), "no query ran"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        assert wait_until(False, 15), "the server goes on after Ctrl-C"
    print("ok  the server ends the query of a program that was interrupted")


def same(reference, found, name):
    wrong = list(differences(reference, found))
    assert not wrong, f"{name} differs:\n  " + "\n  ".join(wrong[:40])
    print(f"ok  {name}" + (f" in {took[name]:.1f} s" if name in took else ""))


def main():
    reference = None
    for name, entry in ENGINES.items():
        found = outcome(name, entry)
        if reference is None:
            reference = found
            moments = sum(measured(outcome) for outcome in found.values())
            assert moments >= 30, f"only {moments} moments were measured"
            looks = looked(found["banner-test"])
            assert looks >= 30, f"only {looks} estimates were made at looks"
            by_dimension, over_time = divided(found["offer-test"])
            cause = found["price-test"]["split"]["cause"]
            assert cause["dimensions"] == [["country", "SE"]], f"the split is explained by {cause}"
            print(f"    {moments} moments, {looks} estimates at looks, {by_dimension} by dimension, {over_time} over time")
        same(reference, found, name)
    for engine in DIALECTS:
        same(without_the_plan(reference), without_the_plan(answered(engine)), f"{engine}: its SQL")
    locks()


main()
