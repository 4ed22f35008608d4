"""The Python SDK: a login to a cluster, and its keys as keys of pyca/cryptography.

    with connect() as session:
        pair = session.keys.generate_ec(label="ca")
        certificate = builder.sign(pair.private, hashes.SHA256())

:func:`connect` takes cluster and user from the configuration file and the environment. Everything secret stays in the
HSMs: the SDK talks to them through ``strongroom._native.Client`` alone and sees no key material but what it imports.
"""

from strongroom.client.approvals import Approval, QuorumToken
from strongroom.client.certificates import Certificates, StoredCertificate
from strongroom.client.cluster import Cluster
from strongroom.client.connecting import connect
from strongroom.client.curves import NamedCurve
from strongroom.client.digests import Hash
from strongroom.client.errors import (
    AmbiguousKey,
    ClientError,
    ConfigurationError,
    ConnectionFailed,
    DecryptionFailed,
    KeyNotFound,
    LoginEnded,
    LoginFailed,
    NotExportable,
    NotPermitted,
    Refused,
    SignatureInvalid,
)
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.secret import HsmAesKey, HsmGenericSecret
from strongroom.client.keys import KeyPair, Keys
from strongroom.client.messages import (
    CryptResult,
    FoundObjects,
    HsmInformation,
    KeyQuorum,
    MechanismParameters,
    MutualTls,
    NamedUser,
    ObjectView,
    PendingToken,
    QuorumTimeouts,
    QuorumValues,
    TrustAnchor,
    User,
)
from strongroom.client.mutual_tls import MutualTlsSettings
from strongroom.client.object_kinds import KeyType, ObjectClass, Usage
from strongroom.client.objects import Objects
from strongroom.client.quorum import Quorum
from strongroom.client.return_codes import ReturnCode
from strongroom.client.second_factor import MfaToken, SignToken
from strongroom.client.session import Session
from strongroom.client.templates import KeyOptions, MadeKeyOptions
from strongroom.client.users import Users
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.roles import Role

__all__ = [
    "AmbiguousKey",
    "Approval",
    "Attribute",
    "Certificates",
    "ClientError",
    "Cluster",
    "ConfigurationError",
    "ConnectionFailed",
    "CryptResult",
    "DecryptionFailed",
    "FoundObjects",
    "Hash",
    "HsmAesKey",
    "HsmGenericSecret",
    "HsmInformation",
    "HsmKey",
    "KeyNotFound",
    "KeyOptions",
    "KeyPair",
    "KeyQuorum",
    "KeyType",
    "Keys",
    "LoginEnded",
    "LoginFailed",
    "MadeKeyOptions",
    "Mechanism",
    "MechanismParameters",
    "MfaToken",
    "MutualTls",
    "MutualTlsSettings",
    "NamedCurve",
    "NamedUser",
    "NotExportable",
    "NotPermitted",
    "ObjectClass",
    "ObjectView",
    "Objects",
    "PendingToken",
    "Quorum",
    "QuorumService",
    "QuorumTimeouts",
    "QuorumToken",
    "QuorumValues",
    "Refused",
    "ReturnCode",
    "Role",
    "Session",
    "SignToken",
    "SignatureInvalid",
    "StoredCertificate",
    "TrustAnchor",
    "Usage",
    "User",
    "Users",
    "connect",
]
