#!/usr/bin/env python3
"""Packs one program for one platform: an archive, a wheel for PyPI, and packages for npm.

usage: pack.py BINARY TARGET FOLDER     the archive, the wheel and npm's package of a platform
       pack.py --front FOLDER           npm's front package, the same for all platforms

Nothing is compiled here, so that all of them hold the very program that was built, tested and attested. The same
input gives the same bytes. Only Python's own library is used.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Rust's target: the wheel's platform tags (PEP 425, PEP 600, PEP 656), npm's `os` and `cpu`.
# A static program runs with every C library, so that it carries the tags of both.
TARGETS = {
    "x86_64-unknown-linux-musl": ("manylinux2014_x86_64.musllinux_1_1_x86_64", "linux", "x64"),
    "aarch64-unknown-linux-musl": ("manylinux2014_aarch64.musllinux_1_1_aarch64", "linux", "arm64"),
    "x86_64-apple-darwin": ("macosx_10_12_x86_64", "darwin", "x64"),
    "aarch64-apple-darwin": ("macosx_11_0_arm64", "darwin", "arm64"),
    "x86_64-pc-windows-msvc": ("win_amd64", "win32", "x64"),
    # What a developer's machine builds. It is for tests of the packages only: PyPI refuses its tag.
    "x86_64-unknown-linux-gnu": ("linux_x86_64", "linux", "x64"),
    "aarch64-unknown-linux-gnu": ("linux_aarch64", "linux", "arm64"),
}
LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"]
# 1980 is the first year that a zip file knows.
TIME = (1980, 1, 1, 0, 0, 0)


def field(name):
    """A field of the workspace's Cargo.toml that is text on one line."""
    found = re.search(rf'^{name} = "(.*)"$', (ROOT / "Cargo.toml").read_text("utf-8"), re.MULTILINE)
    if not found:
        sys.exit(f"pack.py: Cargo.toml has no `{name}`")
    return found.group(1)


def add(archive, name, content, mode):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), mode, 0
    archive.addfile(info, io.BytesIO(content))


def tar_gz(path, files):
    """Writes an archive of (name, content, mode)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content, mode in files:
            add(archive, name, content, mode)
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as compressed:
        compressed.write(buffer.getvalue())


def texts():
    return [(name, (ROOT / name).read_bytes()) for name in [*LICENCES, "README.md"]]


def archive(program, name, target, version, folder):
    top = f"trialbook-{version}-{target}"
    files = [(f"{top}/{name}", program, 0o755)]
    files += [(f"{top}/{text}", content, 0o644) for text, content in texts()]
    tar_gz(folder / f"{top}.tar.gz", files)


def wheel(program, name, tags, version, folder):
    info = f"trialbook-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        "Name: trialbook",
        f"Version: {version}",
        f"Summary: {field('description')}",
        "License-Expression: MIT OR Apache-2.0",
        *(f"License-File: {licence}" for licence in LICENCES),
        f"Project-URL: Source, {field('repository')}",
        "Requires-Python: >=3.8",
        "Description-Content-Type: text/markdown",
        "",
        (ROOT / "README.md").read_text("utf-8"),
    ]
    wheel_lines = ["Wheel-Version: 1.0", "Generator: trialbook pack.py", "Root-Is-Purelib: false"]
    wheel_lines += [f"Tag: py3-none-{tag}" for tag in tags.split(".")]
    files = [
        (f"trialbook-{version}.data/scripts/{name}", program, 0o755),
        (f"{info}/METADATA", "\n".join(metadata).encode(), 0o644),
        (f"{info}/WHEEL", ("\n".join(wheel_lines) + "\n").encode(), 0o644),
    ]
    files += [(f"{info}/licenses/{licence}", (ROOT / licence).read_bytes(), 0o644) for licence in LICENCES]
    record = []
    for path, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(content)}")
    record.append(f"{info}/RECORD,,")
    files.append((f"{info}/RECORD", ("\n".join(record) + "\n").encode(), 0o644))
    path = folder / f"trialbook-{version}-py3-none-{tags}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for file, content, mode in files:
            entry = zipfile.ZipInfo(file, TIME)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, content)


def package_json(name, version, **more):
    about = {
        "name": name,
        "version": version,
        "description": field("description"),
        "license": "MIT OR Apache-2.0",
        "repository": {"type": "git", "url": f"git+{field('repository')}.git"},
    }
    return (json.dumps({**about, **more}, indent=2) + "\n").encode()


def npm(name, version, files, folder):
    path = folder / f"{name.replace('@', '').replace('/', '-')}-{version}.tgz"
    tar_gz(path, [(f"package/{file}", content, mode) for file, content, mode in files])


def npm_platform(program, name, os, cpu, version, folder):
    package = f"@trialbook/{os}-{cpu}"
    about = package_json(package, version, os=[os], cpu=[cpu], preferUnplugged=True)
    files = [("package.json", about, 0o644), (f"bin/{name}", program, 0o755)]
    files += [(text, content, 0o644) for text, content in texts()]
    npm(package, version, files, folder)


def npm_front(version, folder):
    platforms = sorted({f"@trialbook/{os}-{cpu}" for _, os, cpu in TARGETS.values()})
    about = package_json(
        "trialbook",
        version,
        bin={"trialbook": "trialbook.js"},
        engines={"node": ">=18"},
        optionalDependencies={package: version for package in platforms},
    )
    front = (ROOT / "packaging/npm/trialbook.js").read_bytes()
    files = [("package.json", about, 0o644), ("trialbook.js", front, 0o755)]
    files += [(text, content, 0o644) for text, content in texts()]
    npm("trialbook", version, files, folder)


def main():
    arguments = sys.argv[1:]
    version = field("version")
    if len(arguments) == 2 and arguments[0] == "--front":
        folder = Path(arguments[1])
        folder.mkdir(parents=True, exist_ok=True)
        npm_front(version, folder)
        return
    if len(arguments) != 3 or arguments[1] not in TARGETS:
        sys.exit(f"{__doc__}\ntargets: {', '.join(TARGETS)}")
    binary, target, folder = Path(arguments[0]), arguments[1], Path(arguments[2])
    tags, os, cpu = TARGETS[target]
    name = "trialbook.exe" if os == "win32" else "trialbook"
    program = binary.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    archive(program, name, target, version, folder)
    wheel(program, name, tags, version, folder)
    npm_platform(program, name, os, cpu, version, folder)


if __name__ == "__main__":
    main()
