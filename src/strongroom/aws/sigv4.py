"""Verification of AWS Signature Version 4, in the Authorization header and presigned.

A request goes in, an identity or an error comes out; the clock and the keys are arguments. Refused are also: a request
whose ``host`` or ``x-amz-*`` headers are not all signed (an unsigned ``x-amz-target`` would let another swap the
operation), another region or service, a body that differs from its declared hash, and headers or parameters that
occur twice where their meaning would be open. Source: AWS General Reference, "AWS Signature Version 4"; aws-apis 5.3.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from strongroom.aws import errors
from strongroom.aws.request import HttpRequest

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
WINDOW_SECONDS: Final = 300
MAX_PRESIGNED_SECONDS: Final = 604_800
_CACHED_SIGNING_KEYS: Final = 1024
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z")
_ACCESS_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_ONCE_ONLY: Final = (
    "authorization",
    "host",
    "x-amz-date",
    "x-amz-target",
    "x-amz-security-token",
    "x-amz-content-sha256",
)


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key that may sign. Temporary ones have a session token and an end (seconds since 1970)."""

    access_key_id: str
    account: str
    secret: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed a request, and for which service (the signing name)."""

    account: str
    access_key_id: str
    signing_name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a credential: ``date/region/service/aws4_request``."""

    date: str
    region: str
    signing_name: str
    terminator: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.signing_name}/{self.terminator}"


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says of its own signature."""

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    session_token: str | None
    expires_seconds: int | None
    """Of a presigned request: how long it may be used."""


class SignatureVerifier:
    """Checks the signatures of requests to one region."""

    def __init__(
        self,
        *,
        region: str,
        signing_names: Collection[str],
        lookup: Callable[[str], Credential | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._region = region
        self._signing_names = frozenset(signing_names)
        self._lookup = lookup
        self._clock = clock
        self._signing_keys: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def verify(self, request: HttpRequest) -> Identity:
        """Who signed the request. Raises :class:`~strongroom.aws.errors.AwsError` with AWS's names and texts."""
        for name in _ONCE_ONLY:
            if len(request.values(name)) > 1:
                raise errors.incomplete_signature(f"The header '{name}' occurs more than once.")
        claim = _read_claim(request)
        credential = self._credential(claim)
        self._check_scope(claim)
        _check_signed_headers(request, claim)
        self._check_time(claim)
        expected = _signature(
            self._signing_key(credential.secret, claim.scope),
            claim.timestamp,
            claim.scope,
            canonical_request(request, claim.signed_headers, _payload_hash(request)),
        )
        if not hmac.compare_digest(expected, claim.signature):
            raise errors.invalid_signature()
        return Identity(credential.account, credential.access_key_id, claim.scope.signing_name)

    def _credential(self, claim: _Claim) -> Credential:
        if not _ACCESS_KEY_ID.fullmatch(claim.access_key_id):
            raise errors.unrecognized_client()
        credential = self._lookup(claim.access_key_id)
        if credential is None:
            raise errors.unrecognized_client()
        given, wanted = claim.session_token or "", credential.session_token or ""
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise errors.unrecognized_client()
        if credential.expires_at is not None and credential.expires_at <= self._clock():
            raise errors.expired_token()
        return credential

    def _check_scope(self, claim: _Claim) -> None:
        scope = claim.scope
        if scope.region != self._region:
            raise errors.invalid_signature(f"Credential should be scoped to a valid region, not '{scope.region}'. ")
        if scope.signing_name not in self._signing_names:
            names = ", ".join(f"'{name}'" for name in sorted(self._signing_names))
            raise errors.invalid_signature(f"Credential should be scoped to correct service: {names}. ")
        if scope.terminator != TERMINATOR:
            raise errors.invalid_signature(
                f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{scope.terminator}'. "
            )
        if scope.date != claim.timestamp[:8]:
            raise errors.invalid_signature(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
                f" '{scope.date}' != '{claim.timestamp[:8]}', from '{claim.timestamp}'."
            )

    def _check_time(self, claim: _Claim) -> None:
        signed_at = _moment(claim.timestamp)
        now = datetime.fromtimestamp(self._clock(), UTC)
        window = timedelta(seconds=WINDOW_SECONDS)
        minutes = f"{WINDOW_SECONDS // 60} min."
        if signed_at > now + window:
            raise errors.invalid_signature(
                f"Signature not yet current: {claim.timestamp} is still later than {_text(now + window)}"
                f" ({_text(now)} + {minutes})"
            )
        if claim.expires_seconds is not None:
            end = signed_at + timedelta(seconds=claim.expires_seconds)
            if now > end:
                raise errors.invalid_signature(f"Signature expired: {_text(end)} is now earlier than {_text(now)}")
        elif signed_at < now - window:
            raise errors.invalid_signature(
                f"Signature expired: {claim.timestamp} is now earlier than {_text(now - window)}"
                f" ({_text(now)} - {minutes})"
            )

    def _signing_key(self, secret: str, scope: Scope) -> bytes:
        name = (secret, scope.date, scope.signing_name)
        key = self._signing_keys.get(name)
        if key is None:
            key = signing_key(secret, scope)
            self._signing_keys[name] = key
            if len(self._signing_keys) > _CACHED_SIGNING_KEYS:
                self._signing_keys.popitem(last=False)
        return key


def signing_key(secret: str, scope: Scope) -> bytes:
    """The key of a day, region and service, derived from a secret access key."""
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.signing_name, scope.terminator):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def canonical_request(request: HttpRequest, signed_headers: Collection[str], payload_hash: str) -> bytes:
    """The text that is hashed and signed: method, path, query, headers, their names, hash of the body."""
    names = sorted(signed_headers)
    headers = b"".join(
        name.encode("latin-1") + b":" + b",".join(b" ".join(value.split()) for value in request.values(name)) + b"\n"
        for name in names
    )
    return b"\n".join(
        [
            request.method.upper().encode(),
            _canonical_path(request.path).encode(),
            _canonical_query(request.query).encode(),
            headers,
            ";".join(names).encode("latin-1"),
            payload_hash.encode(),
        ]
    )


def _signature(key: bytes, timestamp: str, scope: Scope, canonical: bytes) -> str:
    text = "\n".join([ALGORITHM, timestamp, str(scope), hashlib.sha256(canonical).hexdigest()])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _read_claim(request: HttpRequest) -> _Claim:
    authorization = request.header("authorization")
    presigned = _query_parameters(request)
    if authorization is not None and presigned:
        raise errors.incomplete_signature(
            "A request is signed in its Authorization header or in its query, not in both."
        )
    if authorization is not None:
        return _claim_from_header(request, authorization)
    if presigned:
        return _claim_from_query(presigned)
    raise errors.missing_authentication()


def _claim_from_header(request: HttpRequest, authorization: str) -> _Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise errors.incomplete_signature(f"Unsupported AWS 'algorithm': '{algorithm[:64]}'; sign with {ALGORITHM}.")
    parameters: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        if name in parameters:
            raise errors.incomplete_signature(f"Authorization header has '{name[:64]}' more than once.")
        parameters[name] = value
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parameters.get(name)]
    complaints = [f"Authorization header requires '{name}' parameter." for name in missing]
    timestamp = request.header("x-amz-date")
    if timestamp is None:
        complaints.append("Authorization header requires existence of a 'X-Amz-Date' header.")
    if complaints or timestamp is None:
        raise errors.incomplete_signature(" ".join(complaints))
    return _claim(parameters, "", timestamp, request.header("x-amz-security-token"), None)


def _claim_from_query(parameters: dict[str, str]) -> _Claim:
    wanted = (
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
        "X-Amz-Expires",
    )
    missing = [name for name in wanted if not parameters.get(name)]
    if missing:
        raise errors.incomplete_signature(
            " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
        )
    if parameters["X-Amz-Algorithm"] != ALGORITHM:
        raise errors.incomplete_signature(f"Unsupported AWS 'algorithm'; sign with {ALGORITHM}.")
    expires = parameters["X-Amz-Expires"]
    if not (
        expires.isascii() and expires.isdigit() and len(expires) <= 6 and 0 < int(expires) <= MAX_PRESIGNED_SECONDS
    ):
        raise errors.incomplete_signature(
            f"X-Amz-Expires must be a number of seconds between 1 and {MAX_PRESIGNED_SECONDS} (a week)."
        )
    return _claim(parameters, "X-Amz-", parameters["X-Amz-Date"], parameters.get("X-Amz-Security-Token"), int(expires))


def _claim(
    parameters: dict[str, str], prefix: str, timestamp: str, session_token: str | None, expires_seconds: int | None
) -> _Claim:
    credential = parameters[f"{prefix}Credential"]
    parts = credential.split("/")
    if len(parts) != 5:
        raise errors.incomplete_signature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
            f" got '{credential[:128]}'"
        )
    if not _TIMESTAMP.fullmatch(timestamp):
        raise errors.incomplete_signature(
            f"Date must be in ISO-8601 'basic format'. Got '{timestamp[:64]}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    _moment(timestamp)
    signature = parameters[f"{prefix}Signature"]
    if not _SIGNATURE.fullmatch(signature):
        raise errors.invalid_signature()
    signed = tuple(name.lower() for name in parameters[f"{prefix}SignedHeaders"].split(";"))
    if len(set(signed)) != len(signed) or "" in signed:
        raise errors.incomplete_signature("SignedHeaders must be a list of distinct header names.")
    return _Claim(parts[0], Scope(*parts[1:]), signed, signature, timestamp, session_token, expires_seconds)


def _check_signed_headers(request: HttpRequest, claim: _Claim) -> None:
    present = {name for name, _ in request.headers}
    if "host" not in claim.signed_headers or "host" not in present:
        raise errors.invalid_signature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    for name in sorted(present):
        if name.startswith("x-amz-") and name not in claim.signed_headers:
            raise errors.invalid_signature(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    for name in claim.signed_headers:
        if name not in present:
            raise errors.invalid_signature(f"The header '{name[:64]}' was signed and is not in the request.")


def _payload_hash(request: HttpRequest) -> str:
    computed = hashlib.sha256(request.body).hexdigest()
    declared = request.header("x-amz-content-sha256")
    if declared is not None and not hmac.compare_digest(declared.encode(), computed.encode()):
        raise errors.invalid_signature("The provided 'x-amz-content-sha256' header does not match what was computed.")
    return computed


def _query_parameters(request: HttpRequest) -> dict[str, str]:
    """The ``X-Amz-`` parameters of a presigned request; empty when the query does not sign."""
    found: dict[str, str] = {}
    for name, value in _pairs(request.query):
        if name.startswith("X-Amz-"):
            if name in found:
                raise errors.incomplete_signature(f"The query parameter '{name[:64]}' occurs more than once.")
            found[name] = value
    return found if "X-Amz-Signature" in found or "X-Amz-Credential" in found else {}


def _pairs(query: str) -> list[tuple[str, str]]:
    return [
        (_decode(name), _decode(value)) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
    ]


def _decode(text: str) -> str:
    # A plus sign is a space, as forms have it and botocore sends it; surrogateescape keeps bytes that are no UTF-8.
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "surrogateescape")


def _encode(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="-_.~")


def _canonical_query(query: str) -> str:
    pairs = sorted((_encode(name), _encode(value)) for name, value in _pairs(query) if name != "X-Amz-Signature")
    return "&".join(f"{name}={value}" for name, value in pairs)


def _canonical_path(path: str) -> str:
    """Normalised as RFC 3986 asks, then encoded once more, as every service but S3 wants it."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in {"", "."}:
            kept.append(segment)
    slash = "/" if path.endswith("/") and kept else ""
    return quote("/" + "/".join(kept) + slash, safe="/-_.~")


def _moment(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise errors.incomplete_signature(f"'{timestamp}' is not a moment in time.") from None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
