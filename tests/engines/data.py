"""Makes one data set and puts it into every engine and format that `run` compares."""

import csv
import datetime as dt
import gzip
import json
import os
import random
import sys

UTC = dt.timezone.utc
START = dt.datetime(2026, 3, 25, tzinfo=UTC)

TABLES = {
    "exposures": "user_id text, \"at\" timestamptz, served text, country text, beta boolean, weight double precision, seats integer",
    "purchases": "order_id bigint, user_id text, \"at\" timestamp, amount double precision, items integer, status text, "
    "sku text, note text",
    "sessions": "user_id text, day date, minutes integer",
    "pages": "user_id text, \"at\" text, load double precision, kind text",
}


def rows():
    """The same on every run: times around a change of clocks, ids of several spellings, numbers of every kind."""
    draw, other, sound = random.Random(20260325), random.Random(20260404), random.Random(20260401)
    tables = {name: [] for name in TABLES}
    notes = ["", "1", " 2.5 ", "1e3", "abc", "x-ray", "2026-03-27", "2026-02-30", "true", "0x10", "Ärger", "-", "7d", "nan"]
    # Whole numbers that just fit a type or just do not, and one that is rounded.
    edges = ["32767", "32768", "2147483647", "2147483648", "1234567890123456789", "9223372036854775808", "-12.5"]
    for number in range(700):
        user = f"{number:04d}" if number % 7 else f"U-{number}"
        arm = "on" if draw.random() < 0.5 else "off"
        first = START + dt.timedelta(seconds=draw.randrange(-86_400, 11 * 86_400), microseconds=draw.randrange(1_000_000))
        served = [f"button-test.{arm}"] * draw.choice([1, 1, 2, 3])
        if number % 50 == 1:
            served.append("button-test." + ("off" if arm == "on" else "on"))
        if number % 60 == 2:
            served = ["button-test.blue", "plain"]
        for seen, name in enumerate(served):
            at = first + dt.timedelta(hours=9 * seen)
            country = draw.choice(["SE", "NO", "", None, "ÅL"])
            weight = draw.choice([0.5, 1.0, 100.0, 1e16, 1e-5, None])
            tables["exposures"].append(
                [user, stamp(at), name, country, draw.choice([True, False, None]), weight, draw.randrange(3)]
            )
        # Some are seen in the other variant days later, and count until then.
        banner, at = ["on", "off"], first + dt.timedelta(hours=other.randrange(-12, 12))
        other.shuffle(banner)
        for name in banner if number % 12 == 5 else banner[:1]:
            row = [user, stamp(at), f"banner-test.{name}", other.choice(["SE", "NO"]), None, 1.0, 1]
            tables["exposures"].extend([row] * other.choice([1, 2]))
            at += dt.timedelta(hours=other.randrange(1, 120))
        # One whose data carry a verdict, and one whose split is broken for some units from some day on.
        at = min(max(first - dt.timedelta(hours=sound.randrange(12)), START), START + dt.timedelta(days=8))
        values = [sound.choice(["SE", "SE", "SE", "NO", "ÅL", None]), sound.choice([True, False, None]), sound.choice([0.5, 1e16, 1e-5])]
        tables["exposures"].append([user, stamp(at), "offer-test." + sound.choice(["off", "on"]), *values, sound.randrange(3)])
        arm = sound.choice(["off", "on"])
        if not (arm == "on" and values[0] == "SE" and at >= START + dt.timedelta(days=2)):
            tables["exposures"].append([user, stamp(at), f"price-test.{arm}", *values, sound.randrange(3)])
        for _ in range(draw.randrange(6)):
            at = first + dt.timedelta(seconds=draw.randrange(-4 * 86_400, 5 * 86_400))
            amount = draw.choice([round(draw.uniform(0, 100), 2), draw.lognormvariate(2, 2), draw.uniform(-1, 1) * 1e-9, 1e12 / 3])
            order = len(tables["purchases"])
            row = [
                order if order % 9 else None,
                user,
                at.strftime("%Y-%m-%d %H:%M:%S"),
                amount,
                draw.randrange(7),
                draw.choice(["paid", "paid", "open"]),
                draw.choice("abc") + str(draw.randrange(10)) if draw.random() < 0.9 else "a_1",
                draw.choice(notes),
            ]
            if order % 6 == 1:
                row[-1] = edges[order // 6 % len(edges)]
            tables["purchases"].extend([row] * (2 if order % 11 == 0 else 1))
        for _ in range(draw.randrange(4)):
            day = (first + dt.timedelta(days=draw.randrange(-4, 5))).date()
            tables["sessions"].append([user, day.isoformat(), draw.randrange(90)])
        for _ in range(draw.randrange(4)):
            at = first + dt.timedelta(seconds=draw.randrange(86_400))
            text = draw.choice([at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d %H:%M:%S.%f+02:00"), "2026-02-30", "soon"])
            kind = "odd" if draw.random() < 0.01 else "plain"
            load = draw.choice([float("nan"), float("inf")]) if kind == "odd" else draw.expovariate(1)
            tables["pages"].append([user, text, load, kind])
    return tables


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def columns(table):
    return [column.split()[0].strip('"') for column in TABLES[table].split(", ")]


def written(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def to_csv(tables, folder, compress=False):
    for name, table in tables.items():
        path = os.path.join(folder, name + (".csv.gz" if compress else ".csv"))
        with (gzip.open(path, "wt", newline="") if compress else open(path, "w", newline="")) as file:
            out = csv.writer(file)
            out.writerow(columns(name))
            out.writerows([written(value) for value in row] for row in table)


def to_ndjson(tables, folder, ending, opened=open):
    for name, table in tables.items():
        with opened(os.path.join(folder, name + ending), "wt") as file:
            for row in table:
                named = zip(columns(name), row)
                # A key without a value is left out, as most writers do. JSON has neither NaN nor infinity, and an empty text is null in
                # the other formats, which are made of CSV files.
                known = {key: value for key, value in named if value not in (None, "", float("inf")) and value == value}
                file.write(json.dumps(known, ensure_ascii=False) + "\n")


def to_duckdb(tables, connection, folder):
    for name in tables:
        connection.execute(f"CREATE TABLE {name} ({TABLES[name]})")
        connection.execute(f"COPY {name} FROM '{folder}/csv/{name}.csv' (HEADER)")


def to_postgres(tables, admin, schema, role):
    import psycopg

    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        for name, table in tables.items():
            connection.execute(f"CREATE TABLE {schema}.{name} ({TABLES[name]})")
            with connection.cursor().copy(f"COPY {schema}.{name} FROM STDIN") as copy:
                for row in table:
                    copy.write_row(row)
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")


def main(folder):
    import duckdb

    tables = rows()
    for name in ["csv", "gzip", "parquet", "hive", "ndjson", "jsonl"]:
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    to_csv(tables, os.path.join(folder, "csv"))
    to_csv(tables, os.path.join(folder, "gzip"), compress=True)
    to_ndjson(tables, os.path.join(folder, "ndjson"), ".ndjson")
    to_ndjson(tables, os.path.join(folder, "jsonl"), ".jsonl.gz", gzip.open)
    connection = duckdb.connect(os.path.join(folder, "tables.duckdb"))
    connection.execute("SET TimeZone = 'UTC'")
    to_duckdb(tables, connection, folder)
    for name in tables:
        connection.execute(f"COPY {name} TO '{folder}/parquet/{name}.parquet' (FORMAT parquet)")
        connection.execute(
            f"COPY (SELECT *, length(user_id) AS part FROM {name}) TO '{folder}/hive/{name}' "
            "(FORMAT parquet, PARTITION_BY (part))"
        )
    connection.close()
    admin = os.environ.get("ENGINES_ADMIN")
    if admin:
        to_postgres(tables, admin, os.environ["ENGINES_SCHEMA"], os.environ["ENGINES_ROLE"])


if __name__ == "__main__":
    main(sys.argv[1])
