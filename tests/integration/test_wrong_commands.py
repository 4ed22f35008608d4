"""Every command of `cloudhsm-cli` with every option spoilt: error_code 1 and a sentence, nothing changed.

Generated from the commands themselves, beside the roles and logins of test_permissions.py: a new option is spoilt with
the rest.
"""

from __future__ import annotations

import json
import os
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import click
import pytest
from every_command import COMMANDS, FILTER, LABEL, Lines, leaves, lines, write_configuration
from one_cluster import ADMIN_PASSWORD, OneCluster, generate_aes

from strongroom.cli.cloudhsm import commands
from strongroom.cli.cloudhsm.click_types import Group, ManyValues
from strongroom.cli.cloudhsm.main import run
from strongroom.client import Cluster
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import CLI_NAMES, Role

pytestmark = pytest.mark.cluster

ROOT = Group("", "", commands.COMMANDS)
LONG = "x" * 5_000
ALL = bool(os.environ.get("STRONGROOM_ALL_VECTORS"))
"""Whether every value is tried with every option, as in `make conformance`; else two of them."""
NUMBERS = ("", "many", "1.5", "-1", "0x10", "99999999999999999999", LONG)
NOTHING = ("attr.label=nothing-has-this", "key-reference=0xffffffffffffffff", f"attr.label={LONG}")
"""Filters that match nothing, which is an answer of `key list`."""
TERMS = (
    "nonsense",
    "attr.nonsense=1",
    "attr.label",
    "attr.sign=maybe",
    "attr.value=0x00",
    "key-reference=zz",
    "key-reference=0x10000000000000000",
    "attr.class=nonsense",
)
ATTRIBUTES = (
    "nonsense=true",
    "sign",
    "sign=maybe",
    "class=secret-key",
    "trusted=true",
    "value=0x00",
    f"id=0x{'0' * 999}",
)
FREE = {"--password", "--change-password", "--value", "--cluster-id", "--source-cluster-id", "--destination-cluster-id"}
"""Of these only what is too long is wrong by itself."""
WRITTEN = {"key export-public", "key generate-file", "quorum token-sign generate"}
"""Commands whose ``--path`` or ``--token`` is written."""


def spoilt_values(name: str, option: click.Parameter) -> Iterator[str]:
    spelt = option.opts[0]
    if isinstance(option.type, click.Choice):
        yield from ("", "nonsense", LONG)
    elif isinstance(option.type, click.types.IntParamType):
        yield from NUMBERS
    elif option.metavar == "TERM…":
        yield from TERMS if name == "key list" else TERMS + NOTHING
    elif option.metavar == "NAME=VALUE…":
        yield from ATTRIBUTES
    elif option.metavar == "PATH":
        writes = name in WRITTEN or (name.startswith("key wrap") and spelt == "--path")
        yield from ("/nonexistent/file", "/") if writes else ("/nonexistent/file", "/", "/dev/null", LONG)
    elif option.metavar == "HEX" or spelt in {"--data", "--signature"}:
        yield from ("0xzz!", "0x0", "é")
    elif spelt in FREE:
        yield LONG
    elif spelt == "--label" or spelt.endswith("-label"):
        yield "x" * 128
    else:
        yield from ("", "no such", "x" * 32, "é\u202e", LONG)


def without(words: list[str], spelt: str) -> list[str]:
    """A line without an option and its values."""
    place = words.index(spelt)
    end = next((at for at in range(place + 1, len(words)) if words[at].startswith("--")), len(words))
    return words[:place] + words[end:]


def spoilt(name: str, line: str) -> Iterator[list[str]]:
    """The command's line with one thing wrong with it."""
    words = shlex.split(line)
    command: Any = ROOT
    for word in name.split():
        command = command.commands[word]
    yield [*words, "--nonsense", "1"]
    if name not in {"help", "login"}:
        yield [*words, "one", "more"]
    for option in command.params:
        if not isinstance(option, click.Option) or option.is_flag or option.opts[0] in {"--config", "--output"}:
            continue
        spelt = option.opts[0]
        if spelt == "--cluster-id" and name.endswith("replicate"):
            continue  # its clusters are those of two other options
        rest = without(words, spelt) if spelt in words else words
        if option.required:
            yield rest
        yield [*rest, spelt]
        values = list(spoilt_values(name, option))
        for value in values if ALL else Random(name + spelt).sample(values, min(len(values), 2)):  # noqa: S311
            yield [*rest, f"{spelt}={value}"] if not isinstance(option, ManyValues) else [*rest, spelt, value]


class Active:
    """An active cluster with the crypto-user alice, who has a key."""

    def __init__(self, directory: Path) -> None:
        self.cluster = OneCluster(directory)
        self.admin = self.cluster.begin("hsm-1")
        self.alice = self.cluster.alice()
        self.key = generate_aes(self.alice, LABEL)
        self.config = write_configuration(self.cluster, "hsm-1")


@pytest.fixture(scope="module")
def active(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Active]:
    made = Active(tmp_path_factory.mktemp("wrong-commands"))
    yield made
    made.cluster.close()


def wholly(active: Active) -> Any:
    """Everything that a refused command must leave as it is."""
    seen = {"template": {}, "after": 0, "limit": 99, "with_attributes": True}
    values = [active.alice.call(int(asked), {}) for asked in (Operation.QUORUM_VALUES, Operation.QUORUM_TIMEOUTS)]
    keys = active.alice.call(int(Operation.FIND), seen)
    return (
        keys,
        values,
        active.alice.call(int(Operation.USER_LIST), {}),
        active.alice.call(int(Operation.MTLS_LIST), {}),
    )


def ask(active: Active, role: Role, asked: list[list[str]]) -> list[dict[str, Any]]:
    """Their answers, in one interactive session of somebody with this role."""
    username = "admin" if role is Role.ADMIN else "alice"
    password = ADMIN_PASSWORD if role is Role.ADMIN else "alice-password"
    login = f"login --username {username} --role {CLI_NAMES[role]} --password {password}"
    terminal = Lines([login, *(shlex.join(words) for words in asked)])
    run(["interactive", "--config", str(active.config)], {}, terminal, Cluster.open)
    first, *answers = terminal.answers
    assert first["error_code"] == 0
    return answers


@pytest.mark.parametrize("name", sorted(leaves(ROOT)))
def test_a_command_with_something_wrong_says_so_and_changes_nothing(
    active: Active, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = lines(active.cluster, [name])
    roles = COMMANDS[name][1]
    role = Role.CRYPTO_USER if Role.CRYPTO_USER in roles else Role.ADMIN
    asked = list(spoilt(name, line))
    before = wholly(active)
    answers = ask(active, role, asked)
    assert len(answers) == len(asked)
    for words, answer in zip(asked, answers, strict=True):
        told = f"{shlex.join(words)[:300]}: {str(answer)[:300]}"
        is_a_sentence = isinstance(answer["data"], str) and 5 < len(answer["data"]) < 1_100
        is_clean = not any(wrong in answer["data"] for wrong in ("Traceback", "Unexpected", "\n"))
        assert (answer["error_code"], is_a_sentence, is_clean) == (1, True, True), told
    assert wholly(active) == before
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [[], ["key"], ["nonsense"], ["key", "nonsense"], ["user", "list", "extra"], [LONG]])
def test_what_is_no_command_has_exit_status_1(words: list[str]) -> None:
    terminal = Lines()
    if words:
        assert run(words, {}, terminal, lambda *_: pytest.fail("a connection was made")) == 1
        assert terminal.answers[0]["error_code"] == 1


def test_commands_that_get_in_each_others_way_are_answered_and_one_of_them_wins(active: Active) -> None:
    """Of four that make the same user, or destroy the same key, one succeeds; the others say what was wrong."""
    environment = {"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": f"admin:{ADMIN_PASSWORD}"}
    made = at_once(active, environment, "user create --username rival --role crypto-user --password rival-password")
    assert sorted(answer["error_code"] for answer in made) == [0, 1, 1, 1]
    assert {answer["data"] for answer in made if answer["error_code"]} == {
        "there is a user rival already: choose another name"
    }
    environment = {"CLOUDHSM_ROLE": "crypto-user", "CLOUDHSM_PIN": "alice:alice-password"}
    ((key,),) = (active.alice.call(int(Operation.FIND), found_by_label())["objects"],)
    gone = at_once(active, environment, f"key delete --filter key-reference=0x{key['reference']:016x}")
    assert sorted(answer["error_code"] for answer in gone) == [0, 1, 1, 1]
    again = at_once(active, environment, f"key delete --filter {FILTER}", count=1)
    assert again[0]["error_code"] == 1


def found_by_label() -> dict[str, Any]:
    return {"template": {int(Attribute.LABEL): LABEL}, "after": 0, "limit": 9, "with_attributes": False}


def at_once(active: Active, environment: dict[str, str], line: str, count: int = 4) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    barrier = threading.Barrier(count)

    def go() -> None:
        terminal = Lines()
        barrier.wait()
        status = run([*shlex.split(line), "--config", str(active.config)], environment, terminal, Cluster.open)
        assert status == terminal.answers[0]["error_code"]
        answers.append(json.loads(json.dumps(terminal.answers[0])))

    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
