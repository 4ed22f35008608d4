"""Public test vectors through the PKCS #11 library: each is run, refused by policy, or not applicable, and counted.

A vector is a function over a :class:`Worker`. It returns when the HSM did what the vector says, raises
:class:`NotApplicable` or :class:`RefusedByPolicy` (once the HSM *has* refused), and any other exception is a finding.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from cryptoki import CryptokiError, Module, Session, refusal

ALL = "STRONGROOM_ALL_VECTORS"
"""Set this variable to run every vector; without it, the sample."""
THREADS = 8
SHOWN = 20
"""Findings that a failed test shows."""
POLICY_CODES = {
    0x13: "CKR_ATTRIBUTE_VALUE_INVALID",
    0x62: "CKR_KEY_SIZE_RANGE",
    0x71: "CKR_MECHANISM_PARAM_INVALID",
    0x130: "CKR_DOMAIN_PARAMS_INVALID",
    0x140: "CKR_CURVE_NOT_SUPPORTED",
}


class NotApplicable(Exception):
    """There is no such function here; the text says which."""


class RefusedByPolicy(Exception):
    """The HSM refused what its policy forbids; the text says what."""


class Worker:
    """A session and the keys that it has imported: vectors with the same key import it once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._keys: dict[Hashable, int | CryptokiError] = {}

    def key(self, template: dict[int, Any], *, policy: str | None = None) -> int:
        """Import a key. With ``policy`` the HSM must refuse it, for the reason named."""
        name = frozenset(template.items())
        if name not in self._keys:
            try:
                self._keys[name] = self.session.create(template)
            except CryptokiError as error:
                self._keys[name] = error
        found = self._keys[name]
        if policy is not None:
            assert isinstance(found, CryptokiError), f"the HSM took what its policy forbids: {policy}"
            assert found.rv in POLICY_CODES, found
            raise RefusedByPolicy(policy)
        if isinstance(found, CryptokiError):
            raise found
        return found


Check = Callable[[Worker], None]


@dataclass(frozen=True)
class Vector:
    """One vector of a file."""

    file: str
    name: str
    check: Check
    group: Hashable = None
    """Vectors with the same key go to the same worker, one after the other."""
    kind: Hashable = None
    """What it is there to show. The sample has one vector for each kind in each file."""


@dataclass
class Tally:
    """What became of the vectors of a file."""

    run: int = 0
    left_out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    not_applicable: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.run += other.run
        self.left_out += other.left_out
        self.refused += other.refused
        self.not_applicable += other.not_applicable

    def counts(self) -> str:
        counts = [
            (self.run, "run"),
            (self.refused.total(), "refused by policy"),
            (self.not_applicable.total(), "not applicable"),
            (self.left_out, "left to make conformance"),
        ]
        return ", ".join(f"{count} {word}" for count, word in counts if count)

    def line(self) -> str:
        """The counts with the reasons."""
        reasons = [f"{count} {reason}" for reason, count in sorted((self.refused + self.not_applicable).items())]
        return self.counts() + (f" ({'; '.join(reasons)})" if reasons else "")


Family = Callable[[], Iterator[Vector]]

TALLIES: dict[str, Tally] = defaultdict(Tally)
"""By file, for the summary at the end."""


def sample(vectors: Iterable[Vector]) -> Iterator[Vector]:
    """All vectors, or the first of each kind in each file; the others are counted as left out."""
    seen = set()
    for vector in vectors:
        what = (vector.file, vector.kind)
        if what in seen and not os.environ.get(ALL):
            TALLIES[vector.file].left_out += 1
        else:
            seen.add(what)
            yield vector


def run(module: Module, pin: str, vectors: Iterable[Vector]) -> None:
    """Run vectors in several sessions. Fails with the first findings, after all have run."""
    groups: dict[Hashable, list[Vector]] = defaultdict(list)
    for place, vector in enumerate(sample(vectors)):
        groups[(vector.file, vector.group if vector.group is not None else place % (4 * THREADS))].append(vector)
    assert groups, "there are no vectors"
    login = module.session()
    login.login(pin)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            findings = [
                each for found in pool.map(lambda all_: _group(module, all_), groups.values()) for each in found
            ]
    finally:
        login.logout()  # takes the keys away: they are session objects
        login.close()
    shown = "\n".join(islice(findings, SHOWN))
    assert not findings, f"{len(findings)} findings:\n{shown}"


def _group(module: Module, vectors: list[Vector]) -> list[str]:
    session = module.session()
    worker = Worker(session)
    findings = []
    for vector in vectors:
        tally = TALLIES[vector.file]
        try:
            vector.check(worker)
        except NotApplicable as reason:
            tally.not_applicable[str(reason)] += 1
        except RefusedByPolicy as reason:
            tally.refused[str(reason)] += 1
        except Exception as error:
            findings.append(f"{vector.file} {vector.name}: {type(error).__name__} {error}")
        else:
            tally.run += 1
    session.close()
    return findings


def kind_of(group: dict[str, Any], test: dict[str, Any]) -> tuple[object, ...]:
    """What a test of Wycheproof shows, for the sample."""
    return (test["result"], *sorted(test["flags"]), group.get("keySize"), group.get("ivSize"), group.get("tagSize"))


def refuses(codes: set[int], call: Callable[[], object]) -> None:
    rv = refusal(call)
    assert rv in codes, f"0x{rv:x}"


def not_applicable(reason: str) -> Check:
    def check(_: Worker) -> None:
        raise NotApplicable(reason)

    return check
