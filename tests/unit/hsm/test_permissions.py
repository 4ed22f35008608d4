"""Generated from the operation table: every managed operation under every role."""

from __future__ import annotations

import pytest

from strongroom.hsm.dispatch import HANDLERS
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.roles import Role

MANAGED = [operation for operation, rule in RULES.items() if rule.path == "managed"]
CASES = [(operation, role) for operation in MANAGED for role in (Role.NONE, Role.CRYPTO_USER, Role.ADMIN)]


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
