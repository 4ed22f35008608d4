#!/usr/bin/env python3
"""Write the integrity value of each library named, beside it: ``write-integrity-value.py LIBRARY…`` (docs/adr/0025)."""

import hmac
import sys
from pathlib import Path

KEY = b"strongroom integrity value 1"
"""Known to everybody, as in ``crates/boundary/src/integrity.rs``."""


def main(libraries: list[str]) -> None:
    for library in map(Path, libraries):
        value = hmac.digest(KEY, library.read_bytes(), "sha256").hex()
        beside = library.with_name(library.name + ".hmac")
        unfinished = beside.with_name(beside.name + ".new")
        unfinished.write_text(value + "\n", encoding="ascii")
        unfinished.rename(beside)


if __name__ == "__main__":
    main(sys.argv[1:])
