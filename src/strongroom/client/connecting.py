"""From nothing to a login in one call."""

from __future__ import annotations

import os

from strongroom.client import credentials
from strongroom.client.cluster import Cluster
from strongroom.client.credentials import PIN_VARIABLE, ROLE_VARIABLE, Credentials
from strongroom.client.errors import ConfigurationError
from strongroom.client.second_factor import SignToken
from strongroom.client.session import Session
from strongroom.vocabulary.roles import Role


def connect(
    config: str | os.PathLike[str] | None = None,
    *,
    cluster_id: str | None = None,
    username: str | None = None,
    password: str | None = None,
    role: Role = Role.CRYPTO_USER,
    sign_token: SignToken | None = None,
) -> Session:
    """Log in to a cluster; leaving the session's ``with`` block logs out and closes the connections.

    The configuration file is ``config``, else that of ``STRONGROOM_CONFIG``, else the first default path that exists
    (docs/reference/client-configuration.md). The user is ``username`` with ``password`` in ``role``, else that of
    ``CLOUDHSM_ROLE`` and ``CLOUDHSM_PIN``; ``sign_token`` signs for one with a second factor.
    :class:`ConfigurationError`, :class:`ConnectionFailed` or :class:`LoginFailed` say what is missing or wrong.
    """
    who = _credentials(username, password, role)
    cluster = Cluster.open(config, cluster_id)
    try:
        return cluster.login(who.username, who.role, who.password, sign_token=sign_token, closes_cluster=True)
    except BaseException:
        cluster.close()
        raise


def _credentials(username: str | None, password: str | None, role: Role) -> Credentials:
    if username is not None and password is not None:
        return Credentials(username, role, password)
    if username is not None or password is not None:
        raise ConfigurationError("Give both username and password, or neither of them.")
    found = credentials.from_environment(os.environ)
    if found is None:
        raise ConfigurationError(
            f"Nobody to log in: give username and password, or set {ROLE_VARIABLE} (admin or crypto-user) and "
            f'{PIN_VARIABLE} (user:password); `eval "$(strongroom env)"` does it.'
        )
    return found
