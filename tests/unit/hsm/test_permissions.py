"""The operation table's roles are AWS's permissions, and every managed operation is refused to every other role.

Generated from the table. Hot operations obey it in the engine (crates/engine/tests), and all of them together through
real connections (tests/integration/test_permissions.py).
"""

from __future__ import annotations

import pytest

from strongroom.hsm.dispatch import HANDLERS
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.roles import Role

MANAGED = [operation for operation, rule in RULES.items() if rule.path == "managed"]
CASES = [(operation, role) for operation in MANAGED for role in (Role.NONE, Role.CRYPTO_USER, Role.ADMIN)]

ANYBODY = frozenset({Role.NONE})
ADMINS, CRYPTO_USERS = frozenset({Role.ADMIN}), frozenset({Role.CRYPTO_USER})
USERS = ADMINS | CRYPTO_USERS
LOGINS = USERS | {Role.UNACTIVATED_ADMIN}
AWS = {
    "connections and logins": (
        {"HELLO", "PING", "ATTACH", "MEMBERS", "LOGIN", "LOGIN_TOKEN", "LOGIN_WITH_TOKEN"},
        ANYBODY,
    ),
    "the first password, which only an unactivated cluster takes": ({"ACTIVATE"}, ANYBODY),
    "basic cluster info; user list needs no login either": ({"HSM_INFO", "USER_LIST"}, ANYBODY),
    "one's own login": ({"LOGOUT", "RENEW_TICKET"}, LOGINS),
    "change own password and second factor; those of others are an admin's, which the brain decides": (
        {"CHANGE_PASSWORD", "MFA_TOKEN", "CHANGE_MFA"},
        USERS,
    ),
    "trust anchors and enforcement, which everybody sees": ({"MTLS_LIST"}, ANYBODY),
    "trust anchors are registered by admins; enforcement is the user admin's to set, which the brain decides": (
        {"MTLS_REGISTER", "MTLS_DEREGISTER", "MTLS_SET_ENFORCEMENT"},
        ADMINS,
    ),
    "quorum values and timeouts, which everybody sees": ({"QUORUM_VALUES", "QUORUM_TIMEOUTS"}, ANYBODY),
    "tokens are made for what one's own role may do, and one's own key for approvals is registered by everybody": (
        {"QUORUM_TOKEN", "QUORUM_TOKENS", "REGISTER_QUORUM"},
        USERS,
    ),
    "quorum values and timeouts are set and tokens deleted by admins": (
        {"SET_QUORUM_VALUE", "SET_QUORUM_TIMEOUT", "DELETE_QUORUM_TOKENS"},
        ADMINS,
    ),
    "add and remove users": ({"USER_CREATE", "USER_DELETE"}, ADMINS),
    "key list is open to admins, who are shown little": ({"FIND", "ATTRIBUTES"}, USERS),
    "random numbers, for programs that seed themselves": ({"RANDOM"}, ANYBODY),
    "digests with the values of keys in them": ({"DIGEST"}, CRYPTO_USERS),
    "set trusted; the rest of a key's attributes is its owner's, which the boundary decides": (
        {"SET_ATTRIBUTES"},
        USERS,
    ),
    "key management": (
        {
            "GENERATE_KEY",
            "GENERATE_KEY_PAIR",
            "CREATE_OBJECT",
            "COPY_OBJECT",
            "DESTROY_OBJECT",
            "WRAP_KEY",
            "UNWRAP_KEY",
            "DERIVE_KEY",
            "SHARE_KEY",
            "UNSHARE_KEY",
            "WRAP_WITH_APPROVAL",
            "ENCAPSULATE_KEY",
            "DECAPSULATE_KEY",
        },
        CRYPTO_USERS,
    ),
    "encrypt, decrypt, sign, verify, HMAC": (
        {"ENCRYPT", "DECRYPT", "SIGN", "VERIFY", "SIGN_RECOVER", "VERIFY_RECOVER", "SIGN_WITH_APPROVAL"},
        CRYPTO_USERS,
    ),
    "the same over long data": (
        {"STREAM_OPEN", "STREAM_UPDATE", "STREAM_FINISH", "STREAM_REPEAT", "STREAM_CLOSE"},
        CRYPTO_USERS,
    ),
}
"""The rows of aws-cloudhsm 3.2; the appliance user's are left out, as nobody logs in as one here."""


def test_the_roles_of_every_operation_are_those_of_aws():
    expected = {Operation[name]: roles for names, roles in AWS.values() for name in names}
    assert {operation: rule.roles for operation, rule in RULES.items()} == expected


@pytest.mark.parametrize("role", [Role.APPLIANCE_USER, Role.UNACTIVATED_ADMIN])
def test_roles_that_nobody_logs_in_with_may_do_nothing(hsm, cluster, role):
    hsm.activate()
    login = cluster.Login(99, "app_user", role)
    for operation in MANAGED:
        if not RULES[operation].roles & {Role.NONE, role}:
            assert hsm.call(operation, {}, login).rv == 0x103, operation


def test_every_managed_operation_has_a_handler_and_no_other_has():
    assert set(HANDLERS) == set(MANAGED)


@pytest.mark.parametrize(("operation", "role"), CASES, ids=lambda value: value.name.lower())
def test_an_operation_is_open_to_its_roles_and_refused_to_the_others_with_an_entry(hsm, operation, role):
    hsm.activate()
    admin = hsm.admin()
    login = {Role.NONE: None, Role.ADMIN: admin, Role.CRYPTO_USER: hsm.user(admin)}[role]
    before = len(hsm.entries())
    answer = hsm.call(operation, {}, login)
    allowed = RULES[operation].roles
    if role in allowed or Role.NONE in allowed:
        assert getattr(answer, "rv", 0) not in {0x101, 0x103}
        return
    assert answer.rv == (0x101 if role is Role.NONE else 0x103)
    if RULES[operation].opcode is None:
        assert len(hsm.entries()) == before
        return
    assert len(hsm.entries()) == before + 1
    assert hsm.entries()[-1].response == answer.rv


@pytest.mark.parametrize("number", [int(Operation.SIGN), 0x7777])
def test_what_is_no_managed_operation_is_refused(hsm, number):
    assert "no managed operation" in hsm.call(number).text
