"""Makes what a test needs in a PostgreSQL server, or drops it: a schema, and a role that may only read it."""

import os
import sys
import urllib.parse

import psycopg

SCHEMA, ROLE = os.environ["ENGINES_SCHEMA"], os.environ["ENGINES_ROLE"]
ADMIN, PASSWORD = os.environ["ENGINES_ADMIN"], os.environ["ENGINES_PASSWORD"]


def make():
    with psycopg.connect(ADMIN, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}' NOSUPERUSER")
        info = connection.info
        host = info.host if not info.host.startswith("/") else "127.0.0.1"
        print(f"postgresql://{ROLE}:{urllib.parse.quote(PASSWORD)}@{host}:{info.port}/{info.dbname}")


def drop():
    with psycopg.connect(ADMIN, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(f"DROP OWNED BY {ROLE}")
            connection.execute(f"DROP ROLE {ROLE}")


if __name__ == "__main__":
    {"make": make, "drop": drop}[sys.argv[1]]()
