"""Answers the queries of an engine that this machine cannot run: a request on each line, an answer on each.

`sqlglot` parses them in the engine's dialect and writes them anew for DuckDB.
"""

import datetime as dt
import decimal
import json
import math
import sys


def kinds(name):
    """Returns the kind of a column by DuckDB's name for its type."""
    stem = name.split("(")[0]
    return {
        "VARCHAR": "text",
        "SMALLINT": "integer",
        "INTEGER": "integer",
        "BIGINT": "integer",
        "HUGEINT": "integer",
        "DOUBLE": "fraction",
        "DECIMAL": "fraction",
        "BOOLEAN": "boolean",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "instant",
        "DATE": "date",
    }.get(stem, name)


class Transpiled:
    """An engine whose SQL becomes that of DuckDB."""

    # What DuckDB has under another name, and sqlglot leaves alone.
    MACROS = [
        "CREATE MACRO farm_fingerprint(x) AS hash(x)",
        "CREATE MACRO fnv_hash(x, seed) AS hash(x, seed)",
        "CREATE MACRO greatest_ignore_nulls(a, b) AS greatest(a, b)",
        "CREATE MACRO least_ignore_nulls(a, b) AS least(a, b)",
        "CREATE MACRO with_timezone(t, zone) AS timezone(zone, t)",
    ]

    def __init__(self, engine, database):
        import duckdb

        self.dialect = engine
        self.connection = duckdb.connect()
        self.connection.execute(f"SET TimeZone = 'UTC'; ATTACH '{database}' AS given (READ_ONLY); USE given")
        for macro in self.MACROS:
            self.connection.execute(macro.replace("MACRO ", "OR REPLACE TEMP MACRO ", 1))

    def translated(self, sql):
        import sqlglot

        [tree] = sqlglot.parse(sql, read=self.dialect, error_level=sqlglot.ErrorLevel.RAISE)
        # It warns of what depends on the session's zone, which is UTC on both sides.
        return tree.transform(self.shim).sql("duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE)

    def shim(self, node):
        """Puts right what sqlglot does not: each case with its reason."""
        from sqlglot import exp

        # A hash of any number of arguments has another name, and a macro takes a fixed number.
        if isinstance(node, exp.Anonymous) and node.name.lower() == "xxhash64":
            node.set("this", "hash")
        return node

    def columns(self, sql):
        rows = self.connection.execute("DESCRIBE " + self.translated(sql)).fetchall()
        return {"columns": [[row[0], kinds(row[1])] for row in rows]}

    def rows(self, sql):
        result = self.connection.execute(self.translated(sql))
        return {"names": [column[0] for column in result.description], "rows": [list(row) for row in result.fetchall()]}


def plain(value):
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    raise TypeError(f"{type(value)} is not answered")


def main(engine, folder):
    answering = Transpiled(engine, f"{folder}/tables.duckdb")
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = answering.columns(request["columns"]) if "columns" in request else answering.rows(request["rows"])
            text = json.dumps(answer, default=plain)
        except Exception as error:  # What the engine does not accept is an answer too.
            text = json.dumps({"error": f"{type(error).__name__}: {error}"})
        print(text, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
