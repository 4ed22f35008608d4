"""docs/how-to/code-signing.md: osslsigncode signs a program for Windows."""

from __future__ import annotations

import struct

import pytest
from programs import Workshop

pytestmark = pytest.mark.cluster

HEADERS, SECTION = 0x200, 0x200
"""Sizes in the file: all headers, and the only section."""


def tiny_program() -> bytes:
    """A Portable Executable for x86-64 whose code is ``ret`` (Microsoft's PE format specification)."""
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 1, 0, 0, 0, 240, 0x22)
    standard = struct.pack("<HBBIIIII", 0x20B, 14, 0, SECTION, 0, 0, 0x1000, 0x1000)
    windows = struct.pack("<QIIHHHHHHIIIIHH", 0x140000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, 0x2000, HEADERS, 0, 3, 0)
    limits = struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    directories = bytes(16 * 8)
    section = struct.pack("<8sIIIIIIHHI", b".text", 1, 0x1000, SECTION, HEADERS, 0, 0, 0, 0, 0x60000020)
    headers = dos + coff + standard + windows + limits + directories + section
    return headers.ljust(HEADERS, b"\0") + b"\xc3".ljust(SECTION, b"\0")


@pytest.fixture(scope="module")
def page(workshop: Workshop) -> Workshop:
    """A workshop in which the page was followed."""
    workshop.path("program.exe").write_bytes(tiny_program())
    printed = workshop.follow("code-signing.md")
    assert "Signature verification: ok" in printed
    assert not workshop.path("pin").exists()
    return workshop


def test_the_signed_program_is_the_program_with_a_signature(page: Workshop) -> None:
    signed, program = page.path("signed.exe").read_bytes(), tiny_program()
    assert len(signed) > len(program)
    assert signed[HEADERS : HEADERS + SECTION] == program[HEADERS:]


def test_an_altered_program_does_not_verify(page: Workshop) -> None:
    altered = bytearray(page.path("signed.exe").read_bytes())
    altered[HEADERS] ^= 1
    page.path("altered.exe").write_bytes(altered)
    page.run("osslsigncode", "verify", "-CAfile", "publisher.pem", "-in", "altered.exe", status=1)
