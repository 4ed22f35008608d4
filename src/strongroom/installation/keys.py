"""Opens an installation's keys: the root key by its provider, the sealed bundle by the boundary.

The only Python that handles the root key's descriptor; nobody here reads from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.installation.errors import InstallationError
from strongroom.installation.state_directory import StateDirectory
from strongroom.private_files import write_private
from strongroom.unseal import FileProvider, RootKeyError, RootKeyProvider

if TYPE_CHECKING:
    from strongroom._native import Installation


def root_key_provider(state: StateDirectory) -> RootKeyProvider:
    return FileProvider(state.root_key)


def create_installation(state: StateDirectory) -> None:
    """Make the root key and the sealed bundle, unless they are there (also after a start that was interrupted)."""
    from strongroom._native import Installation

    if state.sealed_installation.exists():
        return
    if state.control_store.exists():
        raise InstallationError(
            f"{state.sealed_installation} is missing, and what lies beside it was made with it",
            "restore installation.sealed from its copy",
        )
    provider = FileProvider(state.root_key)
    if not provider.exists():
        provider.create()
    write_private(state.sealed_installation, Installation.create(provider.open()))


def open_installation(state: StateDirectory) -> Installation:
    """Raises :class:`InstallationError` when the root key is missing, exposed or another one."""
    from strongroom._native import HsmError, Installation

    try:
        descriptor = root_key_provider(state).open()
    except RootKeyError as error:
        raise InstallationError(str(error), "restore root.key from the copy that was made of it") from None
    try:
        return Installation.open(descriptor, state.sealed_installation.read_bytes())
    except FileNotFoundError:
        raise InstallationError(f"no installation was made in {state.root}", "make one with `strongroom up`") from None
    except HsmError as error:
        raise InstallationError(
            f"the keys of the installation cannot be opened: {error.args[-1]}",
            "restore root.key and installation.sealed from copies that belong together",
        ) from None
