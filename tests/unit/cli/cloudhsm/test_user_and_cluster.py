from __future__ import annotations

import pytest

from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role


@pytest.mark.parametrize(
    ("line", "operation"),
    [("create", Operation.USER_CREATE), ("change-password", Operation.CHANGE_PASSWORD)],
)
def test_a_new_password_is_asked_for_twice(cli, line: str, operation: Operation) -> None:
    cli.client.answers[operation] = {"username": "bob", "role": 2}
    result = cli(f"user {line} --username Bob --role admin", ["password1", "password1"])
    assert result.data == {"username": "bob", "role": "admin"}
    assert result.terminal.prompts == ["Enter password:", "Confirm password:"]
    assert cli.client.asked(operation) == [{"username": "Bob", "role": Role.ADMIN, "password": "password1"}]


def test_two_passwords_that_differ_change_nothing(cli) -> None:
    result = cli("user create --username bob --role admin", ["password1", "password2"])
    assert result.error == "The two passwords differ; nothing was changed."
    assert cli.client.asked(Operation.USER_CREATE) == []


def test_deleting_a_user_shows_name_and_role(cli) -> None:
    cli.client.answers[Operation.USER_DELETE] = {"username": "bob", "role": 1}
    assert cli("user delete --username bob --role crypto-user").data == {"username": "bob", "role": "crypto-user"}


def test_users_are_listed_in_the_documented_shape(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = {
        "users": [
            {"username": "admin", "role": 6, "locked": False, "mfa": False, "quorum": False},
            {"username": "app_user", "role": 5, "locked": False, "mfa": False, "quorum": False},
            {"username": "alice", "role": 1, "locked": True, "mfa": True, "quorum": True},
        ]
    }
    enabled = [{"strategy": "token-sign", "status": "enabled"}]
    common = {"locked": "false", "mfa": [], "quorum": [], "cluster-coverage": "full"}
    assert cli("user list").data == {
        "users": [
            {"username": "admin", "role": "unactivated-admin", **common},
            {"username": "app_user", "role": "internal(APPLIANCE_USER)", **common},
            {
                "username": "alice",
                "role": "crypto-user",
                "locked": "true",
                "mfa": enabled,
                "quorum": enabled,
                "cluster-coverage": "full",
            },
        ]
    }


def test_activation_is_for_the_user_admin(cli) -> None:
    cli.client.answers[Operation.ACTIVATE] = {"username": "admin", "role": 2}
    assert cli("cluster activate --password password1").data == "Cluster activation successful"
    assert cli.client.asked(Operation.ACTIVATE) == [{"username": "admin", "password": "password1"}]


def test_hsm_info_has_the_documented_members_as_text(cli) -> None:
    cli.client.answers[Operation.HSM_INFO] = {
        "hsms": [
            {
                "vendor": "Strongroom",
                "model": "software",
                "serial_number": "0a1b",
                "hardware_version_major": 1,
                "hardware_version_minor": 0,
                "firmware_version_major": 0,
                "firmware_version_minor": 1,
                "firmware_build_number": 7,
                "firmware_id": "strongroom-0.1.0",
                "fips_state": "0 [non-FIPS mode with single factor authentication]",
            }
        ]
    }
    assert cli("cluster hsm-info").data == {
        "hsms": [
            {
                "vendor": "Strongroom",
                "model": "software",
                "serial-number": "0a1b",
                "hardware-version-major": "1",
                "hardware-version-minor": "0",
                "firmware-version-major": "0",
                "firmware-version-minor": "1",
                "firmware-build-number": "7",
                "firmware-id": "strongroom-0.1.0",
                "fips-state": "0 [non-FIPS mode with single factor authentication]",
            }
        ]
    }
