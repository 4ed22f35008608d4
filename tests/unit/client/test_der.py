from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.client import der


@given(st.binary(max_size=70_000))
def test_an_octet_string_gives_its_content_back(content: bytes) -> None:
    element = der.encode(der.OCTET_STRING, content)
    assert der.octet_string_content(element) == content
    assert der.size(len(content)) == len(element)


@pytest.mark.parametrize(
    "element", [b"", b"\x04", b"\x30\x00", b"\x04\x02a", b"\x04\x01ab", b"\x04\x81\x01a", b"\x04\x84"]
)
def test_anything_but_one_whole_octet_string_is_refused(element: bytes) -> None:
    with pytest.raises(ValueError, match="DER OCTET STRING"):
        der.octet_string_content(element)
