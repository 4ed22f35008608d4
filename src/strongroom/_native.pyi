"""The seam between the brain (Python) and the engine and boundary (Rust).

What crosses it: bytes, numbers, text, templates of public attributes. What never crosses it: key material, passwords,
private components, unwrapped bytes. Those are named by :class:`SecretTicket`.

A template is a ``dict`` from attribute number to ``bool``, ``int``, ``bytes``, ``str`` or a nested template; secret
attributes do not appear in it. Every method raises :class:`HsmError` for a refusal with a PKCS #11 code, and releases
the GIL while it computes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

__version__: Final[str]

Template = dict[int, Any]
KeyApproval = tuple[bytes, Sequence[tuple[str, bytes, bytes]]]
"""Approval data, and who signed it: user name, sealed key of :meth:`Hsm.seal_quorum_key`, signature."""

class HsmError(Exception):
    """A refusal. ``args == (rv, text)``: the PKCS #11 return code and a sentence for people."""

    rv: int
    text: str

class IntegrityError(HsmError):
    """A record, envelope, head or anchor was altered or belongs elsewhere; ``text`` names it."""

class ConnectionFailed(HsmError):
    """Client side: no HSM answered, or none passed the server check."""

@final
class SecretTicket:
    """Stands for secret bytes held in the boundary; dropping it wipes them. ``len()`` gives their length."""

    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

def ask_password(prompt: str) -> SecretTicket:
    """Ask for a password on the terminal, without echo; it never is a Python string. Raises EOFError, OSError."""

def read_password_line() -> SecretTicket | None:
    """The next line of standard input without reading further; ``None`` at its end."""

def crypto_library() -> str:
    """The crypto library and its version: ``AWS-LC 5.x.y``, with the FIPS module ``AWS-LC FIPS 4.x.y``."""

# ---------------------------------------------------------------------------------------------------------------------
# What a program gives up at its start; each raises HsmError where the kernel refuses
# ---------------------------------------------------------------------------------------------------------------------

def forbid_dumps() -> None:
    """No core dumps of this process, and no debugger of the same user."""

def confine_hsm_process() -> None:
    """Everything that an HSM process gives up: dumps, capabilities, system calls that it does not need.

    To be called first of all, by a process with one thread. Its keys then lie in locked memory, which no dump has.
    """

# ---------------------------------------------------------------------------------------------------------------------
# The installation: roots, host key, sealing of the service's own secrets
# ---------------------------------------------------------------------------------------------------------------------

@final
class Installation:
    """The installation's keys, opened with the root key (32 bytes read from a descriptor; the descriptor is closed)."""

    @staticmethod
    def create(root_key_fd: int) -> bytes:
        """Make both roots, the host key and the backup wrapping key; give the sealed bundle."""

    @staticmethod
    def open(root_key_fd: int, bundle: bytes) -> Installation:
        """Open a bundle; :class:`IntegrityError` when the root key is another."""

    def seal(self, context: str, plaintext: bytes) -> bytes:
        """Seal a secret of the service (an access key's secret); ``context`` is bound to it."""

    def open_sealed(self, context: str, sealed: bytes) -> bytes: ...
    def manufacturer_root_certificate(self) -> str:
        """PEM."""

    def hardware_root_certificate(self) -> str:
        """PEM."""

# ---------------------------------------------------------------------------------------------------------------------
# One HSM: boundary and engine
# ---------------------------------------------------------------------------------------------------------------------

@final
class StagedObject:
    """An object that the boundary made or changed and that nobody can use yet: commit its record, then publish it."""

    reference: int
    version: int
    record: bytes
    """Sealed key record for the store; empty for a session object."""
    view: dict[str, Any]
    """``ObjectView`` of messages.rs: reference, attributes, version, owner, shared_users."""
    is_token: bool

@final
class ManagedRequest:
    """A managed request as the engine decoded it."""

    token: int
    """Names the request in :meth:`Hsm.respond`."""
    operation: int
    login_id: int
    username: str
    """Empty without a login."""
    role: int
    session: int
    """The connection's number: the audit entry's session handle."""
    peer: str
    is_mutual: bool
    """Whether the peer has shown a certificate (mutual TLS)."""
    request_id: bytes | None
    digest: bytes
    """Keyed digest of the whole request, secrets included: the same request gives the same digest on every HSM."""
    body: dict[str, Any]
    """The message of messages.rs by member names, without the request id; secret members are :class:`SecretTicket`.

    ``create_object``, ``set_attributes`` and ``copy_object`` have the public attributes under ``template`` and the
    whole template under ``template_ticket``.
    """
    deadline_ms: int
    trace_id: int

@final
class Caller:
    """Who a boundary call is made for."""

    def __init__(self, username: str, role: int, login_id: int, approvals: Sequence[KeyApproval] = ()) -> None: ...

@final
class Hsm:
    """Boundary and engine of one HSM process. Thread-safe."""

    @staticmethod
    def start(
        *,
        cluster_id: str,
        hsm_id: str,
        mode: str,
        root_key_fd: int,
        installation: bytes,
        allow_unlocked_memory: bool = False,
        limits: Mapping[str, int] | None = None,
    ) -> Hsm:
        """Lock memory, run the known-answer tests, open the installation bundle.

        A failed self-test gives an HSM in the error state: :meth:`error` says why, everything else is refused.
        """

    def error(self) -> str | None: ...
    def memory_locked(self) -> bool:
        """Whether key material is kept out of swap; ``False`` only where unlocked memory was allowed."""

    # -- identity, cluster keys, certificates -----------------------------------------------------------------------
    def create_identity(self) -> bytes:
        """Make this HSM's identity and wrapping key, certified by the host key; sealed for its state directory."""

    def open_identity(self, sealed: bytes) -> None: ...
    def serial_number(self) -> str:
        """The identity's serial number, as in ``cluster hsm-info``."""

    def identity_statement(self) -> bytes:
        """What a joiner publishes: its chain to the hardware root and its wrapping key, signed by its identity."""

    def sign_checkpoint(self, checkpoint: bytes) -> bytes:
        """The identity key's word on the audit log: ECDSA P-384, SHA-384, DER, over a context and these bytes."""

    def identity_certificates(self) -> list[bytes]:
        """What verifies a checkpoint, DER: the identity's certificate, its host's, the hardware root's."""

    def create_cluster_keys(self) -> None:
        """First HSM of a cluster: make the masking key and the cluster certificate key (RSA-2048)."""

    def has_cluster_keys(self) -> bool: ...
    def seal_envelope(self, hsm_id: str, statement: bytes) -> bytes:
        """The cluster keys for a joiner, after its chain and signature and its HSM and cluster id were checked."""

    def open_envelope(self, envelope: bytes) -> None: ...
    def seal_recovery_envelope(self) -> bytes:
        """The cluster keys under the installation's backup wrapping key."""

    def open_recovery_envelope(self, envelope: bytes) -> None: ...
    def certificates(self) -> dict[str, str]:
        """``ClusterCsr``, ``HsmCertificate``, ``AwsHardwareCertificate``, ``ManufacturerHardwareCertificate`` (PEM)."""

    def install_certificate(self, certificate_pem: str) -> None:
        """The cluster certificate of InitializeCluster; refused when its key is not the cluster certificate key."""

    # -- sealing ----------------------------------------------------------------------------------------------------
    def seal_rule(self, key: str, version: int, plaintext: bytes) -> bytes: ...
    def open_rule(self, key: str, version: int, sealed: bytes) -> bytes: ...
    def seal_anchor(self, revision: int, head: bytes) -> bytes:
        """Sealed by the root key, for this HSM's own state directory."""

    def open_anchor(self, sealed: bytes) -> tuple[int, bytes]: ...
    def audit_mac(self, entry: bytes) -> bytes:
        """32 bytes."""

    def advance_head(
        self, previous: bytes | None, writes: Sequence[tuple[str, int | None, int | None, bytes]]
    ) -> bytes:
        """The head after a commit: revision + 1, index digest, MAC over the previous head and the writes.

        A write is (key, old version, new version, SHA-256 of the new record or of nothing); ``None`` as version means
        absent. ``previous`` is ``None`` for the first commit of a cluster.
        """

    def verify_head(
        self, previous: bytes | None, writes: Sequence[tuple[str, int | None, int | None, bytes]], head: bytes
    ) -> None:
        """Raise :class:`IntegrityError` unless ``head`` follows from ``previous`` and the writes."""

    def head_revision(self, head: bytes) -> int:
        """The revision of a head whose MAC is right."""

    def verify_index(self, head: bytes, entries: Sequence[tuple[str, int]]) -> bool:
        """Whether the (key, version) pairs are exactly those that the head's index digest stands for."""

    # -- users and logins ---------------------------------------------------------------------------------------------
    def make_verifier(self, password: SecretTicket) -> bytes:
        """A password verifier: PBKDF2 with a salt of its own, under a derived key."""

    def verify_password(self, request_token: int, password: SecretTicket, verifier: bytes | None) -> bool:
        """Compare in constant time; ``None`` does the same work and gives ``False``.

        The CPU time counts against the allowance of failed logins until :meth:`attach_login` gives it back.
        """

    def check_second_factor(self, public_key: bytes) -> None:
        """Refused unless it is the ``SubjectPublicKeyInfo`` of an RSA key of 2,048 bits."""

    def verify_second_factor(self, public_key: bytes | None, token: bytes, signature: bytes) -> bool:
        """RSASSA-PKCS1-v1_5 with SHA-256 over the token; ``None`` does the same work and gives ``False``."""

    def seal_quorum_key(self, username: str, public_key: bytes, signed: bytes, signature: bytes) -> bytes:
        """A user's RSA-2048 key for quorum approvals, bound to the user, after its private half signed these bytes."""

    def verify_approval(self, username: str, sealed_key: bytes, approval_data: bytes, signature: bytes) -> None:
        """Refused unless the signature is the user's over the approval data; :class:`IntegrityError` for the key of
        another user.
        """

    def random(self, length: int) -> bytes: ...
    def new_login_id(self) -> int: ...
    def issue_ticket(self, login_id: int, username: str, role: int, epoch: int, client_key: bytes) -> tuple[bytes, int]:
        """A ticket and its lifetime in seconds."""

    def apply_login(self, login_id: int, username: str, role: int, epoch: int, client_key: bytes) -> None:
        """Make a login usable on this HSM."""

    def remove_login(self, login_id: int) -> None:
        """End a login: its requests are refused from now on and its session objects are gone."""

    def attach_login(self, request_token: int, login_id: int) -> None:
        """Let the connection that the request came on use the login at once."""

    # -- objects ------------------------------------------------------------------------------------------------------
    def generate_key(self, caller: Caller, mechanism: int, template: Template) -> StagedObject: ...
    def key_from_password(
        self,
        caller: Caller,
        mechanism: int,
        parameters: dict[str, Any] | None,
        password: SecretTicket,
        template: Template,
    ) -> StagedObject: ...
    def generate_key_pair(
        self, caller: Caller, mechanism: int, public_template: Template, private_template: Template
    ) -> tuple[StagedObject, StagedObject]:
        """The public key first."""

    def create_object(self, caller: Caller, template: SecretTicket) -> StagedObject:
        """Import; the ticket stands for the whole template."""

    def unwrap_key(
        self,
        caller: Caller,
        unwrapping_key: int,
        mechanism: int,
        parameters: dict[str, Any] | None,
        wrapped_key: bytes,
        template: Template,
    ) -> StagedObject: ...
    def wrap_key(
        self, caller: Caller, wrapping_key: int, mechanism: int, parameters: dict[str, Any] | None, key: int
    ) -> dict[str, Any]:
        """``CryptResponse``: data, iv."""

    def derive_key(
        self, caller: Caller, base_key: int, mechanism: int, parameters: dict[str, Any] | None, template: Template
    ) -> StagedObject: ...
    def encapsulate_key(
        self, caller: Caller, public_key: int, mechanism: int, parameters: dict[str, Any] | None, template: Template
    ) -> tuple[StagedObject, bytes]:
        """The new object, and the ciphertext."""

    def decapsulate_key(
        self,
        caller: Caller,
        private_key: int,
        mechanism: int,
        parameters: dict[str, Any] | None,
        ciphertext: bytes,
        template: Template,
    ) -> StagedObject: ...
    def set_attributes(self, caller: Caller, reference: int, template: SecretTicket) -> StagedObject: ...
    def copy_object(
        self, caller: Caller, reference: int, template: SecretTicket
    ) -> tuple[StagedObject, StagedObject | None]:
        """The copy, and the original's next version where the copy leaves a mark on it."""

    def share_key(self, caller: Caller, reference: int, username: str) -> StagedObject: ...
    def unshare_key(self, caller: Caller, reference: int, username: str) -> StagedObject: ...
    def share_staged(self, caller: Caller, reference: int, usernames: Sequence[str]) -> StagedObject:
        """Share a key that the caller has just made: the same version with another record."""

    def set_quorum(self, caller: Caller, reference: int, manage: int, usage: int) -> StagedObject:
        """Let a key that the caller has just made need so many approvals: the same version with another record."""

    def quorum_of(self, reference: int) -> tuple[int, int] | None:
        """How many must approve the management and the use of a key; ``None`` where nobody must."""

    def check_quorum(self, caller: Caller, reference: int, service: int) -> None:
        """Refused unless the caller's approvals are enough for this service of the key."""

    def sign(
        self, caller: Caller, key: int, mechanism: int, parameters: dict[str, Any] | None, data: bytes
    ) -> bytes: ...
    def references_shared_with(self, username: str) -> list[int]: ...
    def withdraw(self, reference: int, username: str) -> StagedObject:
        """A key that is no longer shared with a user who is deleted, whoever owns it."""

    def check_destroy(self, caller: Caller, reference: int) -> bool:
        """Whether the object is a token object; raises unless the caller may destroy it now."""

    def sees(self, caller: Caller, reference: int) -> bool:
        """Whether there is such an object that the caller may see now."""

    def is_public_key(self, reference: int) -> bool:
        """Whether there is an object with this reference and it is a public key: where an audit entry names it."""

    def publish(self, references: Sequence[int]) -> None:
        """Make staged objects usable (after the commit)."""

    def discard(self, references: Sequence[int]) -> None:
        """Wipe staged objects whose commit failed."""

    def remove_objects(self, references: Sequence[int]) -> None: ...
    def load_object(self, reference: int, version: int, record: bytes) -> None:
        """Open a key record from the store and make it usable; :class:`IntegrityError` names the object."""

    def private_key_count(self) -> int:
        """Private keys among the token objects."""

    def is_certificate(self, reference: int) -> bool: ...
    def data_object_count(self, are_tokens: bool) -> int:
        """Data objects among the token objects, or among the session objects."""

    def certificate_count(self) -> int:
        """Certificates among the token objects."""

    def object_count(self, username: str | None = None) -> int:
        """Token objects on this HSM, or those that a user owns."""

    def session_object_count(self) -> int: ...

    # -- engine -------------------------------------------------------------------------------------------------------
    def listen(self, address: str, port: int) -> int:
        """Open the port (needs an installed certificate); gives the port, which is new when 0 was asked for."""

    def set_members(self, members: Sequence[dict[str, Any]]) -> None:
        """``hsm_id``, ``address``, ``port`` of every active HSM; clients are told."""

    def set_revision(self, revision: int, head: bytes) -> None:
        """What this HSM has applied; requests that waited for it go on.

        The revision that is applied already says that the store has none above it. An older one changes nothing.
        """

    def extend_lease(self, milliseconds: int) -> None:
        """The lease is good for so long from now; after that managed requests are refused."""

    def set_client_trust(self, anchors: list[bytes], required: bool) -> None:
        """Whose clients are let in (DER certificates), and whether they must have one; closes others' connections."""

    @staticmethod
    def read_trust_anchors(pem: bytes) -> list[bytes]:
        """The certificates of a PEM text in DER; refuses what cannot be trust anchors."""

    def set_offline_grace(self, milliseconds: int) -> None:
        """How long after its lease hot requests are still answered."""

    def next_request(self, lane: str, timeout_ms: int) -> ManagedRequest | None:
        """Wait for a managed request of the lane (``login``, ``slow``, ``general``)."""

    def respond(self, token: int, body: bytes, revision: int) -> None: ...
    def respond_error(self, token: int, rv: int, text: str, retry: int) -> None: ...
    def wait_behind(self, timeout_ms: int) -> bool:
        """Wait until some request needs a newer revision than this HSM has applied, or a check that there is none.

        For one thread, which then catches up and calls :meth:`set_revision`, also when nothing was new. Requests that
        found no catch-up in time are asked for again every 50 ms, and refused after their deadline.
        """

    def ended_logins(self) -> list[int]:
        """Logins whose last connection closed over 60 s ago and that held session objects here."""

    def active_logins(self) -> list[int]:
        """Logins that a connection here uses, or that were attached or renewed here within a ticket's life."""

    def statistics(self) -> dict[str, int]:
        """Counters: connections, sessions, requests by class, refused frames, bytes, and the lengths of queues."""

    def operation_figures(self) -> list[tuple[str, str, int, int, list[int]]]:
        """Of each operation and mechanism family that was answered: their names, answers that were errors, microseconds
        that all took together, and answers by time. Bucket n has those of less than 2^n microseconds, the last all
        longer ones.
        """

    def shutdown(self, drain_ms: int) -> None:
        """Tell clients to move, finish what is in work, close."""

def encode_response(operation: int, body: dict[str, Any]) -> bytes:
    """The response message of an operation from its members by name."""

# ---------------------------------------------------------------------------------------------------------------------
# The client core
# ---------------------------------------------------------------------------------------------------------------------

@final
class LoginToken:
    """A token for one login, with that login's own key."""

    token: bytes
    """The signature is RSASSA-PKCS1-v1_5 with SHA-256 over these bytes."""

@final
class Client:
    """A connection pool to one cluster, with server check, failover and retries. Thread-safe."""

    def __init__(self, config: str) -> None:
        """``config``: JSON text in the shape of AWS's configuration file (aws-cloudhsm.md 4.4)."""

    def login(self, username: str, role: int, password: str | SecretTicket) -> dict[str, Any]:
        """``username`` and ``role``; the password is wiped from native memory after use."""

    def login_token(self, username: str, role: int) -> LoginToken:
        """What a user with a second factor is to sign for one login."""

    def login_with_token(
        self, username: str, role: int, password: str | SecretTicket, token: LoginToken, signature: bytes
    ) -> dict[str, Any]:
        """As :meth:`login`. A token is good for one call, whatever comes of it."""

    def logout(self) -> None: ...
    def is_logged_in(self) -> bool: ...
    def call(self, operation: int, body: dict[str, Any]) -> dict[str, Any]:
        """One request by operation number, members by name; ``str``/``bytes`` are taken where a secret is wanted.

        The answer belongs to the caller: random numbers and the values of certificates are bytes in it.
        """

    def members(self) -> list[dict[str, Any]]: ...
    def close(self) -> None: ...
