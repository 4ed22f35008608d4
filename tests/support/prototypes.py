"""The functions and return codes of PKCS #11 as our own header declares them, for tests that call every one of them."""

from __future__ import annotations

import re
from pathlib import Path

_HEADER = Path(__file__).resolve().parents[2] / "include" / "strongroom" / "pkcs11.h"
_PROTOTYPE = re.compile(r"^CK_RV (C_\w+)\(([^)]*)\);", re.MULTILINE)
_CODE = re.compile(r"^#define CKR_(\w+)\s+\(\(CK_RV\)(0x[0-9A-Fa-f]+)UL\)", re.MULTILINE)


def prototypes() -> dict[str, tuple[str, ...]]:
    """The types of each function's arguments."""
    found = _PROTOTYPE.findall(_HEADER.read_text())
    return {name: tuple(" ".join(each.split()) for each in arguments.split(",")) for name, arguments in found}


def return_codes() -> dict[str, int]:
    """Numbers by names without ``CKR_``."""
    return {name: int(number, 16) for name, number in _CODE.findall(_HEADER.read_text())}
