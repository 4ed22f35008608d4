"""How a service is to run this time: what `strongroom up` was told."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """``None`` means: as the settings remember it, or the default."""

    state_directory: str
    region: str | None = None
    listen: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    limits: dict[str, int] = {}
    """Those of the installation that are to be others; remembered."""
    allow_unlocked_memory: bool = False
    ephemeral: bool = False
    """The state directory goes at the end, and memory may stay unlocked."""
    end_with: tuple[int, ...] = ()
    """Processes whose end, however it comes, ends the service."""
