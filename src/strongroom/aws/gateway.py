"""The HTTP front of the AWS services: one POST route.

A request passes: size, signature, operation (its target must belong to the service that it was signed for), body,
constraints, handler. Whatever goes wrong becomes a reply here, in the words of the protocol that was spoken; an
unforeseen failure becomes the service's internal error with the request id, and a line in the log, never a traceback
in the reply.
"""

from __future__ import annotations

import asyncio
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from types import ModuleType
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from strongroom.aws import errors, json_protocol, rpc_v2_cbor
from strongroom.aws.errors import AwsError
from strongroom.aws.models import ServiceModel
from strongroom.aws.request import HttpRequest
from strongroom.aws.sigv4 import Identity, SignatureVerifier
from strongroom.aws.validation import ValidationFailed, validate

MAX_BODY_BYTES: Final = 1 << 20
LONG_BODY_BYTES: Final = 64 * 1024
LONG_BODIES: Final = 64
"""So many requests with bodies over :data:`LONG_BODY_BYTES` are in memory at once; others wait to be read on."""
_SERVICE_PATH_PARTS: Final = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an operation: who asks, and the id that the reply and the log carry."""

    operation: str
    identity: Identity
    request_id: str
    source_ip: str


Handler = Callable[[Call, dict[str, Any]], Mapping[str, Any]]
"""Takes validated members by the model's names, gives the reply's; raises :class:`AwsError`. Runs in a thread."""


@dataclass(frozen=True, slots=True)
class HostedService:
    """A service: its model, a handler for each operation that is offered, and its names for common failures."""

    model: ServiceModel
    handlers: Mapping[str, Handler]
    invalid_request: str
    """The error for input that breaks the model's constraints, and for operations that are not offered."""
    internal_failure: str


@dataclass(slots=True)
class _Exchange:
    """What is known of a request so far; the reply is made from it."""

    request_id: str
    codec: ModuleType = json_protocol
    service: HostedService | None = None
    operation: str = "-"
    account: str = "-"


class Gateway:
    """Dispatches requests to services. :meth:`application` gives the ASGI application."""

    def __init__(
        self,
        *,
        services: Sequence[HostedService],
        verifier: SignatureVerifier,
        ready: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._services = {service.model.target_prefix: service for service in services}
        self._verifier = verifier
        self._ready = ready
        self._clock = clock
        self._long_bodies = asyncio.Semaphore(LONG_BODIES)

    def application(self, on_start: Callable[[], None] | None = None) -> Starlette:
        """The ASGI application. ``on_start`` runs in a thread before the first request is taken."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            if on_start is not None:
                await run_in_threadpool(on_start)
            yield

        routes = [
            Route("/health", self._health, methods=["GET"]),
            Route("/{path:path}", self._call, methods=["POST"]),
            Route("/{path:path}", self._refuse, methods=["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    async def _health(self, _: Request) -> Response:
        try:
            await run_in_threadpool(self._ready)
        except Exception as error:
            log.error("health check failed", error=repr(error))  # noqa: TRY400 - the error says it all
            return JSONResponse({"status": "unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE, {"date": self._date()})
        return JSONResponse({"status": "ok"}, headers={"date": self._date()})

    async def _refuse(self, request: Request) -> Response:
        exchange = _Exchange(str(uuid.uuid4()))
        refusal = errors.unknown_operation(f"{request.method} is not answered here; requests to AWS services are POST.")
        return self._error_reply(exchange, refusal)

    async def _call(self, request: Request) -> Response:
        started = self._clock()
        exchange = _Exchange(str(uuid.uuid4()))
        if request.headers.get("smithy-protocol") == rpc_v2_cbor.PROTOCOL:
            exchange.codec = rpc_v2_cbor
        try:
            async with AsyncExitStack() as stack:
                incoming = await _read(request, lambda: stack.enter_async_context(self._long_bodies))
                source = request.client.host if request.client else ""
                status, body = await run_in_threadpool(self._answer, exchange, incoming, source)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except AwsError as error:
            reply = self._error_reply(exchange, error)
            self._log(exchange, started, error.status, error)
            return reply
        except Exception as error:
            # Formatted here, because a log's own traceback may show variables, and one of them may be a secret.
            trace = "".join(traceback.format_exception(error))
            names = {"request_id": exchange.request_id, "operation": exchange.operation}
            log.error("request failed", **names, traceback=trace)  # noqa: TRY400 - see above
            return self._error_reply(exchange, self._internal_failure(exchange))
        self._log(exchange, started, status, None)
        return self._reply(exchange, status, body, {})

    def _answer(self, exchange: _Exchange, incoming: HttpRequest, source_ip: str) -> tuple[int, bytes]:
        identity = self._verifier.verify(incoming)
        exchange.account = identity.account
        service, operation = self._find(exchange, incoming)
        if service.model.signing_name != identity.signing_name:
            raise errors.invalid_signature(
                f"Credential should be scoped to correct service: '{service.model.signing_name}'. "
            )
        exchange.service, exchange.operation = service, operation
        shape = service.model.input_shape(operation)
        members = exchange.codec.parse(shape, incoming.body)
        handler = service.handlers.get(operation)
        if handler is None:
            raise AwsError(service.invalid_request, f"{operation} is not supported yet by this Strongroom version.")
        try:
            validate(shape, members)
        except ValidationFailed as failure:
            raise AwsError(service.invalid_request, str(failure)) from None
        call = Call(operation, identity, exchange.request_id, source_ip)
        result = dict(handler(call, members))
        return HTTPStatus.OK, exchange.codec.serialise(service.model.output_shape(operation), result)

    def _find(self, exchange: _Exchange, incoming: HttpRequest) -> tuple[HostedService, str]:
        """The service and operation that the target header, or the path of a CBOR request, names."""
        target = incoming.header("x-amz-target")
        if exchange.codec is rpc_v2_cbor:
            if target is not None:
                raise errors.unknown_operation(
                    "A request names its operation in its path or in X-Amz-Target, not in both."
                )
            parts = incoming.path.split("/")[-_SERVICE_PATH_PARTS:]
            if len(parts) != _SERVICE_PATH_PARTS or parts[0] != "service" or parts[2] != "operation":
                raise errors.unknown_operation(
                    "The path of a CBOR request is /service/<service>/operation/<operation>."
                )
            prefix, operation = parts[1], parts[3]
        else:
            if target is None:
                raise errors.unknown_operation("The X-Amz-Target header, which names the operation, is missing.")
            prefix, _, operation = target.rpartition(".")
        service = self._services.get(prefix)
        if service is None or operation not in service.model.operations:
            raise errors.unknown_operation("No service here has the operation that the request names.")
        return service, operation

    def _internal_failure(self, exchange: _Exchange) -> AwsError:
        code = exchange.service.internal_failure if exchange.service else "InternalFailure"
        text = f"The request failed because of an internal error. Look for request {exchange.request_id} in the log."
        return AwsError(code, text, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _error_reply(self, exchange: _Exchange, error: AwsError) -> Response:
        member = exchange.service.model.error_message_member(error.code) if exchange.service else "message"
        body = exchange.codec.serialise_error(error.code, member, error.message)
        headers = {"x-amzn-errortype": error.code} if exchange.codec is json_protocol else {}
        return self._reply(exchange, error.status, body, headers)

    def _reply(self, exchange: _Exchange, status: int, body: bytes, headers: dict[str, str]) -> Response:
        headers |= {"x-amzn-requestid": exchange.request_id, "date": self._date()}
        if exchange.codec is rpc_v2_cbor:
            headers["smithy-protocol"] = rpc_v2_cbor.PROTOCOL
        return Response(body, status, headers, media_type=exchange.codec.CONTENT_TYPE)

    def _date(self) -> str:
        """SDKs correct their clocks by this header."""
        return formatdate(self._clock(), usegmt=True)

    def _log(self, exchange: _Exchange, started: float, status: int, error: AwsError | None) -> None:
        outcome = {"error": error.code, "message": error.message} if error else {}
        log.info(
            "request",
            request_id=exchange.request_id,
            operation=exchange.operation,
            account=exchange.account,
            status=int(status),
            milliseconds=round((self._clock() - started) * 1000, 1),
            **outcome,
        )


async def _read(request: Request, before_long: Callable[[], Awaitable[None]]) -> HttpRequest:
    """The request with its body. ``before_long`` is awaited once before more than :data:`LONG_BODY_BYTES` are kept.

    Raises :class:`AwsError` when the body is too large or is encoded.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise AwsError("UnsupportedMediaType", "Send the body without a content encoding.", 415)
    too_large = AwsError("RequestEntityTooLarge", f"A request has at most {MAX_BODY_BYTES} bytes.", 413)
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        if len(body) <= LONG_BODY_BYTES < len(body) + len(chunk):
            await before_long()
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large
    scope = request.scope
    return HttpRequest(
        method=request.method,
        path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1").lower(), value) for name, value in scope["headers"]),
        body=bytes(body),
    )
