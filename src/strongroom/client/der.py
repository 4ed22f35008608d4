"""The few pieces of DER (ITU-T X.690) that attributes are made of: tag, definite length, content."""

from __future__ import annotations

from typing import Final

OCTET_STRING: Final = 0x04
UTF8_STRING: Final = 0x0C
VISIBLE_STRING: Final = 0x1A
SEQUENCE: Final = 0x30


def encode(tag: int, content: bytes) -> bytes:
    """One element of a one-byte tag."""
    return bytes([tag]) + _length(len(content)) + content


def size(content_bytes: int) -> int:
    """The size in bytes of an element whose content has so many bytes."""
    return 1 + len(_length(content_bytes)) + content_bytes


def octet_string_content(element: bytes) -> bytes:
    """The content of an OCTET STRING; :class:`ValueError` for anything else, also for bytes after it."""
    if len(element) < 2 or element[0] != OCTET_STRING:
        raise ValueError("not a DER OCTET STRING")
    start, length = 2, element[1]
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(element[2:start])
    content = element[start:]
    if len(content) != length or encode(OCTET_STRING, content) != element:
        raise ValueError("a DER OCTET STRING of another length")
    return content


def _length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([0x80 | len(octets)]) + octets
