#!/usr/bin/env bash
# Runs one command of trialbook for the action. Everything comes from the environment: nothing of it is ever part of a script.

set -euo pipefail
if [ -n "${BINARY:-}" ]; then
    trialbook=$BINARY
else
    trialbook=$PROGRAMS/trialbook
fi
target=()
if [ -n "${TARGET:-}" ]; then target=(--target "$TARGET"); fi

# The records of launches are neither branches nor tags, so that no checkout brings them.
remote="${GITHUB_SERVER_URL/:\/\//://x-access-token:${GITHUB_TOKEN}@}/${GITHUB_REPOSITORY}"
fetch_launches() { git fetch --quiet "$remote" '+refs/trialbook/*:refs/trialbook/*'; }

case "$COMMAND" in
    install)
        dirname "$(command -v "$trialbook")" >> "$GITHUB_PATH"
        ;;
    lint)
        fetch_launches
        against=()
        if [ -n "${AGAINST:-}" ]; then against=(--against "$AGAINST"); fi
        if [ "${OPEN_PULL_REQUESTS:-}" = true ]; then against+=(--with-open-pull-requests); fi
        "$trialbook" lint "${against[@]}" --format github --format json="$DIRECTORY/lint.json"
        ;;
    plan)
        fetch_launches
        code=0
        "$trialbook" plan "${target[@]}" --format markdown --out "$DIRECTORY/plan.json" > "$DIRECTORY/plan.md" || code=$?
        if [ "$code" -eq 6 ]; then
            # Runs for forks have no secrets: the review then goes without a plan.
            echo "::notice::what is served cannot be read here, so nothing is planned"
            exit 0
        fi
        cat "$DIRECTORY/plan.md" >> "$GITHUB_STEP_SUMMARY"
        exit "$code"
        ;;
    apply)
        fetch_launches
        "$trialbook" plan "${target[@]}" --out "$DIRECTORY/plan.json"
        # What is served comes first: if the records cannot be pushed, the next apply writes them again.
        "$trialbook" apply "$DIRECTORY/plan.json"
        git push --quiet "$remote" '+refs/trialbook/*:refs/trialbook/*'
        ;;
    drift)
        fetch_launches
        "$trialbook" drift "${target[@]}"
        ;;
    analyse)
        fetch_launches
        "$trialbook" driver install duckdb
        "$trialbook" analyze --out "$DIRECTORY/outcomes/"
        ;;
    comment)
        from=()
        for file in "$DIRECTORY/lint.json" "$DIRECTORY/plan.json" "$DIRECTORY/outcomes"; do
            if [ -e "$file" ]; then from+=(--from "$file"); fi
        done
        if [ "${#from[@]}" -eq 0 ]; then
            echo "there is nothing to comment in $DIRECTORY"
            exit 0
        fi
        # With what lint found, each finding is also shown at its line.
        check=()
        if [ -e "$DIRECTORY/lint.json" ]; then check=(--check); fi
        "$trialbook" comment "${check[@]}" "${from[@]}"
        ;;
    *)
        echo "::error::the action does not know the command it was given: use install, lint, plan, apply, drift, analyse or comment"
        exit 64
        ;;
esac
