"""The Python SDK: a cluster, a login to it, and its keys as keys of pyca/cryptography.

    with Cluster.open() as cluster, cluster.login("alice", Role.CRYPTO_USER, password) as session:
        certificate = builder.sign(session.private_key(label="ca"), hashes.SHA256())

It talks to the HSMs through ``strongroom._native.Client`` alone and never sees key material.
"""

from strongroom.client.cluster import Cluster
from strongroom.client.errors import (
    AmbiguousKey,
    ClientError,
    ConfigurationError,
    ConnectionFailed,
    KeyNotFound,
    Refused,
    SignatureInvalid,
)
from strongroom.client.messages import FoundObjects, HsmInformation, MechanismParameters, ObjectView, User
from strongroom.client.session import Session

__all__ = [
    "AmbiguousKey",
    "ClientError",
    "Cluster",
    "ConfigurationError",
    "ConnectionFailed",
    "FoundObjects",
    "HsmInformation",
    "KeyNotFound",
    "MechanismParameters",
    "ObjectView",
    "Refused",
    "Session",
    "SignatureInvalid",
    "User",
]
