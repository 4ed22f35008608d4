"""``--output table``: the same answers as text for people."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from strongroom.cli.cloudhsm import tables
from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation

USERS = [
    {"username": "admin", "role": 2, "locked": False, "mfa": True, "quorum": False},
    {"username": "alice_with_a_long_name", "role": 1, "locked": True, "mfa": False, "quorum": False},
]


def secret(reference: int, label: str) -> dict[str, Any]:
    attributes = {
        Attribute.CLASS: ObjectClass.SECRET_KEY.value,
        Attribute.KEY_TYPE: KeyType.AES.value,
        Attribute.LABEL: label,
        Attribute.ENCRYPT: True,
    }
    numbered = {attribute.value: value for attribute, value in attributes.items()}
    return {"reference": reference, "attributes": numbered, "owner": "alice", "shared_users": ["bob", "carol"]}


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.client.answers[Operation.USER_LIST] = {"users": USERS}
    cli.holds(secret(1, "a"), secret(2, "b"))
    return cli


@pytest.mark.parametrize("line", ["user list --output table", "--output=table user list", "user list --output=table"])
def test_a_list_is_rows_under_the_names_of_their_columns(cli: Any, line: str) -> None:
    assert cli(line).text.splitlines() == [
        "username                role         locked  mfa                 quorum  cluster-coverage",
        "admin                   admin        false   token-sign enabled  -       full",
        "alice_with_a_long_name  crypto-user  true    -                   -       full",
    ]


def test_counts_stand_below_the_rows(cli: Any) -> None:
    assert cli("key list --max-items 1 --output table").text.splitlines() == [
        "key-reference       label",
        "0x0000000000000001  a",
        "",
        "total_key_count     2",
        "returned_key_count  1",
        "next_token          0x0000000000000001",
    ]


def test_what_has_many_members_is_shown_one_below_the_other(cli: Any) -> None:
    first, second, counts = cli("key list -v --output table").text.split("\n\n")
    members = dict(line.split(maxsplit=1) for line in first.splitlines())
    assert members["key-owners"] == "alice full"
    assert members["shared-users"] == "bob full, carol full"
    assert (members["label"], members["encrypt"], members["key-type"]) == ("a", "true", "aes")
    assert "0x0000000000000002" in second
    assert "total_key_count" in counts


def test_an_empty_list_says_so(cli: Any) -> None:
    assert cli("key list --filter attr.label=x --output table").text.startswith("matched_keys: none\n")


def test_a_pair_has_a_title_for_each_half(cli: Any) -> None:
    cli.client.answers[Operation.GENERATE_KEY_PAIR] = {"objects": [secret(1, "p"), secret(2, "k")]}
    line = "key generate-asymmetric-pair ec --curve secp256r1 --public-label p --private-label k --output table"
    public, private = cli(line).text.split("\n\n")
    assert public.startswith("public_key\nkey-reference")
    assert private.startswith("private_key\nkey-reference")


def test_a_sentence_stands_alone(cli: Any) -> None:
    cli.client.answers[Operation.ACTIVATE] = {"username": "admin", "role": 2}
    assert cli("cluster activate --password password1 --output table").text == "Cluster activation successful"


@pytest.mark.parametrize(
    "line", ["key list --filter nonsense", "key lst", "key list --nonsense", "key generate-symmetric aes --label k"]
)
def test_an_error_stands_on_standard_error_whatever_is_wrong(cli: Any, line: str) -> None:
    result = cli(f"{line} --output table")
    assert (result.status, result.terminal.written) == (1, [])
    (warning,) = result.terminal.warnings
    assert warning.startswith("Error: ")


@pytest.mark.parametrize("line", ["key list --output xml", "key list --output", "--output xml key list"])
def test_a_form_that_there_is_not_is_an_error_in_json(cli: Any, line: str) -> None:
    assert "--output" in cli(line).error


def test_the_form_of_the_interactive_mode_is_that_of_its_lines_until_one_says_another(cli: Any) -> None:
    result = cli("interactive --output table", ["user list", "user list --output json", "user list", "user lst", "'"])
    table, json, again = result.terminal.written
    assert table == again
    assert table.startswith("username")
    assert json.startswith("{")
    assert [warning[:7] for warning in result.terminal.warnings] == ["Error: "] * 2


def test_a_label_cannot_command_the_terminal(cli: Any) -> None:
    cli.holds(secret(1, "a\x1b[2Jb\nc\u202ed\x9b"))
    text = cli("key list --output table").text
    assert "a\\x1b[2Jb\\nc\\u202ed\\x9b" in text
    assert cli("key delete --filter 'attr.label=\x1b[2J' --output table").terminal.warnings[0].isprintable()


def test_a_text_of_several_lines_stands_alone() -> None:
    rendered = tables.rendered({"key-reference": "0x1", "public-key": "-----BEGIN\nab\x1b\n-----END\n"})
    assert rendered == "-----BEGIN\nab\\x1b\n-----END\n\nkey-reference  0x1"


def test_names_that_are_there_twice_are_told_apart() -> None:
    assert tables.rendered({"a": {"x": 1, "inner": {"x": 2}}}) == "a\nx        1\ninner.x  2"


def test_an_answer_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python does not buffer, a second piece could meet a pipe that its reader has closed."""
    pieces: list[str] = []

    class Unbuffered:
        def write(self, text: str) -> None:
            pieces.extend([text] if text else [])

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stdout", Unbuffered())
    Terminal().write("a\nb")
    assert pieces == ["a\nb\n"]
