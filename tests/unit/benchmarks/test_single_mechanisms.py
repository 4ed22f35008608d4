"""The table of single mechanisms leaves none out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from strongroom.vocabulary.mechanisms import Mechanism

ROOT = Path(__file__).resolve().parents[3]
LIST = """
from benchmarks.single_mechanisms import subjects
for subject in subjects():
    print(subject.mechanism.name)
"""


def test_every_mechanism_is_measured_and_has_a_row() -> None:
    done = subprocess.run([sys.executable, "-c", LIST], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {mechanism.name for mechanism in Mechanism} == set(done.stdout.split())
    page = (ROOT / "benchmarks" / "mechanisms.md").read_text()
    assert [name for name in sorted(set(done.stdout.split())) if f"| CKM_{name} " not in page] == []
