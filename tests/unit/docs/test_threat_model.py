"""The threat model names tests, and each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "threat-model.md"
ATTACKERS = ("network", "database", "state directory", "service", "brain", "host", "API account", "HSM user")


def names_in_the_tree() -> set[str]:
    sources = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "crates").rglob("*.rs")]
    texts = "\n".join(path.read_text() for path in sources if "target" not in path.parts)
    rust = re.findall(r"#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)\(", texts)
    return {*re.findall(r"^\s*def (test_\w+)\(", texts, re.MULTILINE), *rust}


def rows() -> list[tuple[str, list[str]]]:
    """Each "cannot", with the tests named beside it."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    parted = [line.strip("| ").split(" | ") for line in lines if not line.startswith("| They cannot")]
    assert all(len(cells) == 2 for cells in parted), parted
    return [(cannot, re.findall(r"`(\w+)`", shown_by)) for cannot, shown_by in parted]


def test_every_cannot_names_tests_that_exist():
    known, found = names_in_the_tree(), rows()
    assert len(found) > 30
    assert [cannot for cannot, tests in found if not tests] == []
    assert {name for _, tests in found for name in tests} - known == set()


def test_every_kind_of_attacker_has_a_section():
    headings = [line for line in PAGE.read_text().splitlines() if line.startswith("## ")]
    assert [name for name in ATTACKERS if not any(name.lower() in heading.lower() for heading in headings)] == []
