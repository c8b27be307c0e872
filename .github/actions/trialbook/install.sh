#!/usr/bin/env bash
# Installs a release of trialbook, checked against its checksum and its build attestation.
# usage: install.sh VERSION FOLDER [SHA256]

set -euo pipefail
version=$1 folder=$2 expected=${3:-}
repository=trialbook/trialbook

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) target=x86_64-unknown-linux-musl program=trialbook ;;
    Linux-aarch64) target=aarch64-unknown-linux-musl program=trialbook ;;
    Darwin-arm64) target=aarch64-apple-darwin program=trialbook ;;
    Darwin-x86_64) target=x86_64-apple-darwin program=trialbook ;;
    MINGW*-x86_64 | MSYS*-x86_64) target=x86_64-pc-windows-msvc program=trialbook.exe ;;
    *) echo "::error::no release of trialbook is built for $(uname -s) on $(uname -m)"; exit 1 ;;
esac

if [ -x "$folder/$program" ]; then
    exit 0
fi
mkdir -p "$folder"
archive=trialbook-$version-$target.tar.gz
address=https://github.com/$repository/releases/download/v$version
download() { curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$2" "$1"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
download "$address/$archive" "$work/$archive"
if [ -z "$expected" ]; then
    download "$address/SHA256SUMS" "$work/SHA256SUMS"
    expected=$(awk -v name="$archive" '$2 == name {print $1}' "$work/SHA256SUMS")
    # Who can replace the list can replace the archive: the attestation proves which workflow built it.
    gh attestation verify "$work/$archive" --repo "$repository" \
        --signer-workflow "$repository/.github/workflows/release.yml"
fi
if command -v sha256sum > /dev/null; then
    found=$(sha256sum "$work/$archive" | cut -d' ' -f1)
else
    found=$(shasum -a 256 "$work/$archive" | cut -d' ' -f1)
fi
if [ "$found" != "$expected" ]; then
    echo "::error::$archive has the checksum $found, and ${expected:-none} is expected: nothing was installed"
    exit 1
fi
tar -xzf "$work/$archive" -C "$folder" --strip-components=1 "trialbook-$version-$target/$program"
