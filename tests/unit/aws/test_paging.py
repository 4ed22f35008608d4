from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.aws.paging import InvalidToken, NextTokens

TOKENS = NextTokens(b"k" * 32)


@given(scope=st.text(max_size=300), cursor=st.text(max_size=40))
def test_a_token_leads_back_to_its_cursor(scope, cursor):
    token = TOKENS.issue(scope, cursor)
    assert len(token) <= 256
    assert TOKENS.open(scope, token) == cursor


@given(token=st.text(max_size=256))
def test_a_token_that_was_not_issued_is_refused(token):
    with pytest.raises(InvalidToken):
        TOKENS.open("scope", token)


@pytest.mark.parametrize("position", range(0, 30, 3))
def test_an_edited_token_is_refused(position):
    token = TOKENS.issue("scope", "cluster-abc")
    edited = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
    with pytest.raises(InvalidToken):
        TOKENS.open("scope", edited)


def test_a_token_is_good_for_its_own_request_only():
    token = TOKENS.issue("scope", "cursor")
    with pytest.raises(InvalidToken):
        TOKENS.open("other", token)
    with pytest.raises(InvalidToken):
        NextTokens(b"x" * 32).open("scope", token)


def test_a_cursor_that_does_not_fit_is_an_error_of_ours():
    with pytest.raises(ValueError, match="too long"):
        TOKENS.issue("scope", "x" * 200)
