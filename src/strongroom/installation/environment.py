"""The environment variables that make every tool work with an installation: what ``strongroom env`` prints."""

from __future__ import annotations

import configparser
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import strongroom
from strongroom.installation.errors import InstallationError
from strongroom.installation.lock import ServiceRecord
from strongroom.installation.settings import load_settings
from strongroom.installation.state_directory import StateDirectory, default_state_directory
from strongroom.private_files import write_private
from strongroom.quickstart.files import QuickstartFiles

STATE_VARIABLE: Final = "STRONGROOM_STATE_DIR"
_PROFILE: Final = "default"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The installation's first access key."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def write_credentials(state: StateDirectory, credentials: Credentials) -> None:
    """In the AWS tools' own format, so that ``AWS_SHARED_CREDENTIALS_FILE`` can name it."""
    lines = [
        f"[{_PROFILE}]",
        f"aws_access_key_id = {credentials.access_key_id}",
        f"aws_secret_access_key = {credentials.secret_access_key}",
    ]
    write_private(state.credentials, "\n".join(lines) + "\n")


def read_credentials(state: StateDirectory) -> Credentials | None:
    """``None`` where there are none yet. Raises :class:`InstallationError` for a damaged file."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(state.credentials.read_text())
        profile = parser[_PROFILE]
        return Credentials(profile["aws_access_key_id"], profile["aws_secret_access_key"])
    except FileNotFoundError:
        return None
    except (configparser.Error, KeyError):
        hint = "make a new access key with `strongroom access-key create`"
        raise InstallationError(f"{state.credentials} is damaged", hint) from None


def pkcs11_module() -> Path:
    """Our PKCS #11 library, as it was installed with the package."""
    (package,) = strongroom.__path__
    return Path(package) / "lib" / "libstrongroom_pkcs11.so"


def environment(
    state: StateDirectory, service: ServiceRecord, *, trust_bundle: str = "", admin: bool = False
) -> dict[str, str]:
    """Variables by name; those of the quick-start cluster only where there is one."""
    variables = {"AWS_ENDPOINT_URL": service.endpoint}
    if credentials := read_credentials(state):
        variables["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
        variables["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key
    variables["AWS_DEFAULT_REGION"] = service.region
    # StartLiveTail's host would be stream-<endpoint>, which has no address.
    variables["AWS_DISABLE_HOST_PREFIX_INJECTION"] = "true"
    if trust_bundle:
        variables["AWS_CA_BUNDLE"] = trust_bundle
    files = QuickstartFiles(state.quickstart)
    pins = files.read_pins()
    if pins is not None and files.client_configuration.exists():
        variables["CLOUDHSM_ROLE"] = "crypto-user"
        variables["CLOUDHSM_PIN"] = pins.crypto_user
        variables["STRONGROOM_CONFIG"] = str(files.client_configuration)
        variables["STRONGROOM_TRUST_ANCHOR"] = str(files.trust_anchor)
        if admin:
            variables["STRONGROOM_ADMIN_PIN"] = pins.admin
    variables["STRONGROOM_PKCS11_MODULE"] = str(pkcs11_module())
    if state.root != default_state_directory():
        variables[STATE_VARIABLE] = str(state.root)
    return variables


def export_lines(variables: Mapping[str, str]) -> str:
    """``export NAME=value`` lines for a POSIX shell's ``eval``."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def tool_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Our own environment with the variables, and without what would send a tool elsewhere."""
    inherited = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return {**inherited, **variables}


_ELSEWHERE: Final = frozenset({"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL_CLOUDHSM_V2"})


def trust_bundle(state: StateDirectory) -> str:
    """The certificate that clients of a control API with TLS must trust; empty without TLS."""
    return load_settings(state.settings).tls_certificate
