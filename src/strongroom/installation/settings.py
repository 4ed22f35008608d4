"""The settings that an installation remembers, in ``settings.json``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from strongroom.forwarding.targets import AnyTarget
from strongroom.installation.errors import InstallationError
from strongroom.private_files import write_private

DEFAULT_REGION: Final = "us-east-1"
DEFAULT_ACCOUNT: Final = "111122223333"
DEFAULT_LISTEN_HOST: Final = "127.0.0.1"

_REGION_FORM: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_ACCOUNT_FORM: Final = re.compile(r"[0-9]{12}")


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a cluster may hold; a cluster's HSMs follow a change when they start the next time.

    The defaults are those of :class:`strongroom.hsm.settings.Settings`, and ``docs/reference/limits.md`` says more.
    """

    max_keys: Annotated[int, msgspec.Meta(ge=1)] = 16_666
    """Token objects."""
    max_asymmetric_keys: Annotated[int, msgspec.Meta(ge=0)] = 3_333
    """Of these, private keys."""
    max_certificates: Annotated[int, msgspec.Meta(ge=0)] = 60
    """Of these, certificates."""
    max_data_objects: Annotated[int, msgspec.Meta(ge=0)] = 512
    """Of these, data objects; and session objects of an HSM that are such."""
    max_users: Annotated[int, msgspec.Meta(ge=2)] = 1_024
    max_logins: Annotated[int, msgspec.Meta(ge=1)] = 20_000
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    max_quorum_tokens: Annotated[int, msgspec.Meta(ge=1)] = 1_024
    max_trust_anchors: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    max_trust_anchor_bytes: Annotated[int, msgspec.Meta(ge=500, le=100_000)] = 6_980
    max_label_characters: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 127
    max_secret_bytes: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 800
    max_data_object_bytes: Annotated[int, msgspec.Meta(ge=0, le=524_288)] = 131_072
    max_data_bytes: Annotated[int, msgspec.Meta(ge=1_024, le=1_044_480)] = 1_044_480
    certificate_reads_per_second: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    certificate_writes_per_second: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while an installation lives, and what it came to use."""

    version: int = 1
    region: str = DEFAULT_REGION
    account: str = DEFAULT_ACCOUNT
    address_range: str | None = None
    """First address of the /24 that plays the VPC; ``""`` = one address for all HSMs; ``None`` = not chosen yet."""
    listen_host: str = DEFAULT_LISTEN_HOST
    listen_port: int = 0
    """0 = not chosen yet."""
    tls_certificate: str = ""
    tls_key: str = ""
    limits: Limits = Limits()
    cluster_limits: dict[str, dict[str, int]] = {}
    """What a cluster, by its id, has otherwise."""
    forward: list[AnyTarget] = []
    """Where audit and trail events are sent; a running service follows changes of it."""


def load_settings(path: Path) -> Settings:
    """Raises :class:`InstallationError` for a file that is damaged or of a later version."""
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        return Settings()
    except msgspec.DecodeError as error:
        raise InstallationError(
            f"{path} is damaged: {error}", "correct it by hand, or restore it from a copy"
        ) from None
    if settings.version != 1:
        raise InstallationError(
            f"{path} has version {settings.version}, which this release does not know",
            "start it with the release that wrote it",
        )
    return settings


def limits_of(settings: Settings, cluster_id: str) -> Limits:
    """The limits of a cluster. Raises :class:`InstallationError` for one that there is not, or that cannot be."""
    return with_limits(settings.limits, settings.cluster_limits.get(cluster_id, {}))


def with_limits(limits: Limits, changed: Mapping[str, int]) -> Limits:
    """Limits with some changed. Raises :class:`InstallationError` as :func:`limits_of`."""
    try:
        return msgspec.convert(msgspec.structs.asdict(limits) | dict(changed), Limits)
    except msgspec.ValidationError as error:
        known = ", ".join(Limits.__struct_fields__)
        raise InstallationError(f"limits: {error}", f"the limits are: {known}; see docs/reference/limits.md") from None


def save_settings(path: Path, settings: Settings) -> None:
    write_private(path, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")


def check_region(region: str) -> str:
    if not _REGION_FORM.fullmatch(region):
        raise InstallationError(f"{region!r} is no region name", "use a form such as us-east-1 or eu-central-1")
    return region


def check_account(account: str) -> str:
    if not _ACCOUNT_FORM.fullmatch(account):
        raise InstallationError(
            f"{account!r} is no account id", "an account id has twelve digits, such as 111122223333"
        )
    return account
