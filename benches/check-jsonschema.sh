#!/usr/bin/env bash
# Compares `trialbook lint` with check-jsonschema (PyPI), which holds the same files only against their JSON Schemas.
#
# usage: benches/check-jsonschema.sh BOOK [TRIALBOOK]
#
# BOOK is a book's folder: `cargo bench --bench scale -- --keep DIR` writes a large one.
# TRIALBOOK is the program, target/release/trialbook unless given. check-jsonschema is installed into a folder of its own
# that is removed at the end. Printed is the processor time, user and system, of all threads and per file, and what
# one of check-jsonschema's starts takes: it is started once or a few times for each kind of file.
set -euo pipefail

book=${1:?usage: $0 BOOK [TRIALBOOK]}
root=$(cd "$(dirname "$0")/.." && pwd)
trialbook=${2:-$root/target/release/trialbook}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet check-jsonschema
export PATH=$scratch/venv/bin:$PATH

# Prints the seconds of processor time that a command takes; the command may find something wrong.
processor_seconds() {
  local TIMEFORMAT='%U %S'
  { time "$@" >/dev/null 2>"$scratch/stderr" || true; } 2>&1 | awk '{ printf "%.2f\n", $1 + $2 }'
}

schemas() {
  local kind
  find "$book" -name trialbook.yaml -print0 | xargs -0 check-jsonschema --schemafile "$root/schemas/book.schema.json"
  for kind in flag experiment rollout layer holdout segment metric source; do
    find "$book" -name "*.$kind.yaml" -print0 |
      xargs -0 --no-run-if-empty check-jsonschema --schemafile "$root/schemas/$kind.schema.json"
  done
}

files=$(find "$book" -name '*.yaml' | wc -l)
per_file() { awk -v s="$1" -v n="$files" 'BEGIN { printf "%.3f ms a file", s * 1000 / n }'; }

ours=$(processor_seconds "$trialbook" lint --book "$book" --at 2026-12-01)
theirs=$(processor_seconds schemas)
start=$(processor_seconds check-jsonschema --version)

echo "$files files, $("$trialbook" --version), $(check-jsonschema --version)"
echo "trialbook lint:    $ours s of processor time, $(per_file "$ours")"
echo "check-jsonschema:  $theirs s of processor time, $(per_file "$theirs")"
echo "  of which a start takes $start s"
