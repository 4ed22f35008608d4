"""What stands in a store: the keys of records and the shapes of the open ones.

The control plane's store is written by the service alone. A cluster's store is where the service and its HSMs meet:
the service writes ``cluster`` and ``desired/…``; an HSM writes everything else. Open records are msgpack by msgspec.

A sealed record is its version (8 bytes, big-endian), then the boundary's sealed bytes, to which key and version are
bound. A rule record's version is the cluster revision that wrote it, so that a name that is deleted and made again
never has a version twice; a key record's version counts its changes. Lease names are ``hsm/<hsm id>``.

Cluster store::

    cluster                      ClusterRecord                 service
    desired/initialize           InitializeRecord              service
    desired/hsm/<hsm id>         MembershipRecord              service: the approved membership entry
    desired/accept-rollback      AcceptRollbackRecord          operator
    status/cluster               ClusterStatus                 HSMs
    status/hsm/<hsm id>          HsmStatus                     that HSM
    join/<hsm id>                identity statement            that HSM (opaque bytes of the boundary)
    envelope/<hsm id>            cluster keys for that HSM     a live member (opaque)
    envelope/recovery            cluster keys, recovery        first HSM (opaque)
    head                         the head                      HSMs (opaque; advances with every chained write)
    object/<reference, 16 hex>   key record, sealed            HSMs, chained
    user/<name>                  rule record, sealed           HSMs, chained
    login/<login id, 16 hex>     rule record, sealed           HSMs, chained
    approval/<token id, 64 hex>  rule record, sealed           HSMs, chained: a quorum token that is not spent
    quorum/values                rule record, sealed           HSMs, chained: how many approvals services need
    policy/mtls                  rule record, sealed           HSMs, chained: whose clients are let in
    request/<user>/<32 hex>      rule record, sealed           HSMs: results of creates and changes, 15 minutes
    seen/<hsm id>                SeenLogins                    that HSM: which logins are in use there
    identity/<hsm id>            AuditIdentity                 that HSM; stays when it is deleted
    metrics/<hsm id>             HsmMetrics                    that HSM: its figures
    trail/<event id>             TrailEvent                    service: in the transaction of a change, until moved

    log changes                  ChangeEntry, sequence = revision - 1
    log audit/<hsm id>           AuditEntry
    log checkpoint/<hsm id>      Checkpoint

Control store::

    account/<account>/cluster/<cluster id>     ControlCluster
    cluster/<cluster id>                       ClusterOwner
    access-key/<access key id>                 AccessKey
    address/<address>/<port>                   HsmAddress: an address that an HSM has
    trail/<event id>                           TrailEvent, as in a cluster's store

Logs store (written by the service alone; see docs/adr/0070)::

    archive/<cluster id>                       ArchivedCluster
    identity/<hsm id>                          AuditIdentity, of HSMs of deleted clusters
    group/<account>/<name>                     LogGroupRecord
    stream/<group id>/<name>                   LogStreamRecord, of users' groups
    export/<account>/<task id>                 LogExportTask
    trail-index/<account>/...                  where the log trail has what is looked for
    log trail                                  TrailEntry
    log audit/<hsm id>, checkpoint/<hsm id>    of HSMs of deleted clusters
    log stream/<stream id>                     WrittenEvent, of users' streams
    series/...  points/...                     metrics and their points; see strongroom.services.cloudwatch
"""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that somebody else may have written."""

CLUSTER = "cluster"
DESIRED_INITIALIZE = "desired/initialize"
DESIRED_HSM = "desired/hsm/"
DESIRED_ACCEPT_ROLLBACK = "desired/accept-rollback"
STATUS_CLUSTER = "status/cluster"
STATUS_HSM = "status/hsm/"
JOIN = "join/"
ENVELOPE = "envelope/"
ENVELOPE_RECOVERY = "envelope/recovery"
HEAD = "head"
OBJECT = "object/"
USER = "user/"
LOGIN = "login/"
APPROVAL = "approval/"
QUORUM_VALUES = "quorum/values"
REQUEST = "request/"
POLICY = "policy/"
MUTUAL_TLS = "policy/mtls"
SEEN = "seen/"
LEASE_HSM = "hsm/"
LOG_CHANGES = "changes"
LOG_AUDIT = "audit/"

CHAINED_PREFIXES = (OBJECT, USER, LOGIN, POLICY, APPROVAL, QUORUM_VALUES)
"""Records whose versions the head's index digest covers."""

IDENTITY = "identity/"
METRICS = "metrics/"
TRAIL = "trail/"
TRAIL_INDEX = "trail-index/"
LOG_CHECKPOINT = "checkpoint/"
LOG_TRAIL = "trail"
ARCHIVE = "archive/"
LOG_GROUP = "group/"
LOG_STREAM = "stream/"

CONTROL_ACCOUNT = "account/"
CONTROL_CLUSTER = "cluster/"
CONTROL_ACCESS_KEY = "access-key/"
CONTROL_ADDRESS = "address/"


def object_key(reference: int) -> str:
    """The key of an object's record: references sort as numbers do."""
    return f"{OBJECT}{reference:016x}"


def user_key(username: str) -> str:
    return f"{USER}{username}"


def login_key(login_id: int) -> str:
    return f"{LOGIN}{login_id:016x}"


def approval_key(token_id: bytes) -> str:
    return f"{APPROVAL}{token_id.hex()}"


def request_key(username: str, request_id: bytes) -> str:
    return f"{REQUEST}{username}/{request_id.hex()}"


def log_groups_prefix(account: str) -> str:
    return f"{LOG_GROUP}{account}/"


def log_exports_prefix(account: str) -> str:
    return f"export/{account}/"


def log_streams_prefix(group_id: str) -> str:
    return f"{LOG_STREAM}{group_id}/"


def control_clusters_prefix(account: str) -> str:
    return f"{CONTROL_ACCOUNT}{account}/cluster/"


def control_cluster_key(account: str, cluster_id: str) -> str:
    return f"{control_clusters_prefix(account)}{cluster_id}"


def control_address_key(address: str, port: int) -> str:
    return f"{CONTROL_ADDRESS}{address}/{port}"


class ClusterRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an HSM must know of its cluster; fixed at creation."""

    cluster_id: str
    account: str
    mode: str
    hsm_type: str
    created_at: float


class InitializeRecord(msgspec.Struct, frozen=True):
    """InitializeCluster's certificates, checked by the service and checked again by the HSM."""

    signed_certificate: str
    trust_anchor: str


class MembershipRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """An HSM that shall exist. ``deleting`` asks it to hand over and stop."""

    hsm_id: str
    zone: str
    subnet_id: str
    address: str
    port: int
    created_at: float
    eni_id: str
    hsm_type: str
    deleting: bool = False


class AcceptRollbackRecord(msgspec.Struct, frozen=True):
    """The operator accepts that the store is older than what HSMs saw, up to this store revision."""

    reason: str
    accepted_at: float


class ClusterStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the data plane of a cluster is."""

    certificates: dict[str, str] = {}
    """``ClusterCsr``, ``HsmCertificate``, ``AwsHardwareCertificate``, ``ManufacturerHardwareCertificate``."""
    cluster_certificate: str | None = None
    """Set once an HSM has installed the certificate of InitializeCluster."""
    trust_anchor: str | None = None
    initialize_error: str | None = None
    activated: bool = False


class HsmStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an HSM says of itself. Whether it is alive is told by its lease, not by ``reported_at``."""

    hsm_id: str
    health: str
    message: str = ""
    serial_number: str = ""
    reboot_counter: int = 0
    pid: int = 0
    address: str = ""
    port: int = 0
    fips_state: str = ""
    memory_locked: bool = True
    started_at: float = 0.0
    reported_at: float = 0.0


class SeenLogins(msgspec.Struct, frozen=True):
    """Logins in use on an HSM at a time; a login that no HSM has seen for longer than a ticket lives is over."""

    at: float
    login_ids: list[int]


class OperationFigures(msgspec.Struct, frozen=True, array_like=True):
    """What an HSM answered since it started, of one operation with one mechanism family.

    Bucket n of ``buckets`` has the answers that took less than 2^n µs, and not less than the one before; the last one
    has all longer ones. ``refused`` counts those that were errors; ``microseconds`` is how long all took together.
    """

    operation: str
    mechanism: str
    refused: int
    microseconds: int
    buckets: list[int]


class HsmMetrics(msgspec.Struct, frozen=True, omit_defaults=True):
    """An HSM's figures at a time (Unix seconds). What it counts begins with its start."""

    hsm_id: str
    at: float
    started_at: float
    users: int = 0
    users_locked: int = 0
    users_max: int = 0
    token_keys: int = 0
    store_lag: int = 0
    """Revisions of the cluster that this HSM has not applied yet."""
    audit_backlog: int = 0
    """Requests whose change and audit entry are not committed yet."""
    damaged_records: int = 0
    engine: dict[str, int] = {}
    """The data plane's counters and sizes by name."""
    operations: list[OperationFigures] = []


class ChangeEntry(msgspec.Struct, frozen=True):
    """One commit of chained records: what changed, and the head after it."""

    hsm_id: str
    writes: list[tuple[str, int | None, int | None, bytes]]
    """Key, old version, new version, SHA-256 of the new record."""
    head: bytes


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of an HSM's audit log (aws-cloudhsm 7.2). Clear text, never secret.

    ``mac`` is the boundary's over the msgpack of the entry with an empty ``mac``; ``previous`` the SHA-256 of the
    entry before it, with its MAC.
    """

    hsm_id: str
    reboot_counter: int
    sequence: int
    time_us: int
    operation: str
    opcode: str
    opcode_number: int
    session: int
    response: int
    response_text: str
    previous: bytes
    username: str = ""
    user_type: int = 0
    private_reference: int = 0
    public_reference: int = 0
    request_id: bytes | None = None
    dropped: int = 0
    """Of an entry that stands for others: how many were left out by the rate limit."""
    mac: bytes = b""


class AuditIdentity(msgspec.Struct, frozen=True):
    """Whose signatures the checkpoints of an HSM's audit log carry; public, and kept when the HSM is deleted.

    ``certificates`` are DER, from the HSM's identity up to the hardware root.
    """

    hsm_id: str
    cluster_id: str
    serial_number: str
    created_at: float
    certificates: list[bytes]


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """An HSM's signed word on its audit log up to ``sequence``.

    ``entry_hash`` is the SHA-256 of that entry, as the next entry's ``previous`` is. ``signature`` is that of the HSM's
    identity key over ``strongroom checkpoint 1``, a zero byte, and the msgpack of the checkpoint with an empty
    ``signature``. The log of checkpoints is numbered from 0 without gaps; that number is not ``sequence``.
    """

    cluster_id: str
    hsm_id: str
    reboot_counter: int
    sequence: int
    entry_hash: bytes
    time_us: int
    signature: bytes = b""


class TrailEvent(msgspec.Struct, frozen=True):
    """A CloudTrail record on its way to the log ``trail``.

    ``text`` is the record as JSON. ``account`` is whose it is; empty for what nobody's signature tells.
    """

    event_id: str
    time_us: int
    account: str
    text: str


class TrailEntry(msgspec.Struct, frozen=True):
    """An entry of the log ``trail``; ``previous`` is the SHA-256 of the entry before it, zeros before the first."""

    sequence: int
    previous: bytes
    event: TrailEvent


class ArchivedCluster(msgspec.Struct, frozen=True):
    """A deleted cluster whose audit logs, checkpoints and identities are in the logs store."""

    cluster_id: str
    account: str
    created_at: float
    deleted_at: float
    hsm_ids: list[str]


class LogGroupRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A log group that a user made; or what a user set on a group of the service, which has no ``group_id``."""

    group_id: str = ""
    created_ms: int = 0
    retention_in_days: int | None = None
    tags: dict[str, str] = {}


class LogStreamRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stream of a user's group. Times are in milliseconds since 1970; those of events are 0 while there are none."""

    stream_id: str
    created_ms: int
    next_sequence: int = 0
    first_event_ms: int = 0
    last_event_ms: int = 0
    last_ingestion_ms: int = 0


class LogExportTask(msgspec.Struct, frozen=True):
    """A task that writes a group's events as files. Times are in milliseconds since 1970."""

    task_id: str
    account: str
    name: str | None
    group_name: str
    from_ms: int
    to_ms: int
    destination: str
    prefix: str
    created_ms: int
    status: str
    message: str = ""
    completed_ms: int | None = None


class WrittenEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event that a user wrote; its time is that of the log entry."""

    message: str
    ingested_ms: int


class ControlCluster(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cluster as the control plane keeps it; what its HSMs know better is read from the cluster's store.

    ``state`` is CREATE_IN_PROGRESS until its store exists, UNINITIALIZED from then on whatever its HSMs say, and
    DELETE_IN_PROGRESS and DELETED at the end.
    """

    cluster_id: str
    account: str
    hsm_type: str
    mode: str
    network_type: str
    created_at: float
    subnet_mapping: dict[str, str]
    security_group: str
    vpc_id: str
    retention_type: str
    retention_value: str
    state: str
    state_message: str = ""
    tags: dict[str, str] = {}
    source_backup_id: str | None = None
    deleted_at: float | None = None


class HsmAddress(msgspec.Struct, frozen=True):
    """Whose address and port it is, so that no two HSMs of the installation get the same."""

    address: str
    port: int
    account: str
    cluster_id: str
    hsm_id: str


class ClusterOwner(msgspec.Struct, frozen=True):
    """Finds a cluster's account by its id."""

    account: str


class AccessKey(msgspec.Struct, frozen=True):
    """An access key; its secret is sealed by the installation."""

    access_key_id: str
    account: str
    sealed_secret: bytes
    created_at: float
    active: bool = True
