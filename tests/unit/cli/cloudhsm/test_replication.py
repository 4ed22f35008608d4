"""``key replicate`` and ``user replicate``, and logins to several clusters."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation

HERE = "--source-cluster-id cluster-a --destination-cluster-id cluster-a"
THERE = HERE.replace("destination-cluster-id cluster-a", "destination-cluster-id cluster-b")
LOGIN = "login --username alice --role crypto-user --password secret:1"
USERS = [
    {"username": "admin", "role": 2, "locked": False, "mfa": False, "quorum": False},
    {"username": "alice", "role": 1, "locked": False, "mfa": False, "quorum": False},
]


def secret(reference: int, *, token: bool) -> dict[str, Any]:
    attributes = {
        Attribute.CLASS.value: ObjectClass.SECRET_KEY.value,
        Attribute.KEY_TYPE.value: KeyType.AES.value,
        Attribute.LABEL.value: "k",
        Attribute.TOKEN.value: token,
    }
    return {"reference": reference, "attributes": attributes, "owner": "alice", "shared_users": []}


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.client.answers[Operation.USER_LIST] = {"users": USERS}
    cli.holds(secret(1, token=True))
    return cli


def test_within_a_cluster_every_hsm_has_the_key(cli: Any) -> None:
    data = cli(f"key replicate --filter attr.label=k {HERE}").data
    assert data["message"] == "Successfully replicated key"
    assert (data["key"]["key-reference"], data["key"]["key-info"]["cluster-coverage"]) == ("0x0000000000000001", "full")
    assert cli.opened == [(None, "cluster-a")]


def test_a_session_key_is_on_one_hsm(cli: Any) -> None:
    cli.holds(secret(1, token=False))
    assert "is a session key" in cli(f"key replicate --filter attr.label=k {HERE}").error


def test_an_admin_replicates_users_and_nobody_else(cli: Any) -> None:
    line = f"user replicate --username ALICE --role crypto-user {HERE}"
    assert cli(line).error == "this operation needs the role admin; you are logged in as crypto-user"
    cli.environment |= {"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": "admin:secret:1"}
    data = cli(line).data
    assert (data["user"]["username"], data["message"]) == ("alice", "Successfully replicated user")
    assert "There is no admin ALICE" in cli(line.replace("crypto-user", "admin")).error


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        (f"key replicate --filter attr.label=k {THERE}", "`key wrap` and `key unwrap`"),
        (f"user replicate --username alice --role crypto-user {THERE}", "`user create`"),
    ],
)
def test_another_cluster_takes_nothing_and_the_answer_says_what_to_do(cli: Any, line: str, instead: str) -> None:
    told = cli(line).error
    assert told.startswith("cluster-b was not made from a backup of cluster-a")
    assert instead in told


def test_a_login_to_a_named_cluster_makes_it_that_of_the_lines_that_follow(cli: Any) -> None:
    result = cli(
        "interactive",
        [
            f"{LOGIN} --cluster-id cluster-a",
            "key list",
            f"{LOGIN} --cluster-id cluster-b",
            "key list",
            "logout --cluster-id cluster-a",
            "key list",
            "key list --cluster-id cluster-a",
        ],
    )
    assert [answer["error_code"] for answer in result.answers] == [0, 0, 0, 0, 0, 0, 1]
    assert cli.opened == [(None, "cluster-a"), (None, "cluster-b")]
    assert len(cli.client.logged_in) == cli.client.logouts == 2
