"""The files of the quick-start cluster that its clients need."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from strongroom.private_files import write_private

ADMIN: Final = "admin"
CRYPTO_USER: Final = "app"
_PASSWORD_ALPHABET: Final = string.ascii_letters + string.digits
_PASSWORD_CHARACTERS: Final = 24


class Pins(msgspec.Struct, frozen=True, kw_only=True):
    """``user:password`` of both users. Not shown in a repr."""

    admin: str
    crypto_user: str

    def __repr__(self) -> str:
        return "Pins(…)"


@dataclass(frozen=True, slots=True)
class QuickstartFiles:
    """The paths in the quick-start directory."""

    directory: Path

    @property
    def trust_anchor(self) -> Path:
        return self.directory / "customerCA.crt"

    @property
    def trust_anchor_key(self) -> Path:
        return self.directory / "customerCA.key"

    @property
    def pins(self) -> Path:
        return self.directory / "pins.json"

    @property
    def client_configuration(self) -> Path:
        return self.directory / "client.cfg"

    def read_pins(self) -> Pins | None:
        """``None`` before the quick-start cluster was made."""
        try:
            return msgspec.json.decode(self.pins.read_bytes(), type=Pins)
        except FileNotFoundError:
            return None

    def make_pins(self) -> Pins:
        """The PINs: those that were written down, else new random ones, written down before anybody uses them."""
        pins = self.read_pins()
        if pins is None:
            pins = Pins(admin=f"{ADMIN}:{_password()}", crypto_user=f"{CRYPTO_USER}:{_password()}")
            write_private(self.pins, msgspec.json.encode(pins))
        return pins


def password_of(pin: str) -> str:
    return pin.partition(":")[2]


def _password() -> str:
    return "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(_PASSWORD_CHARACTERS))
