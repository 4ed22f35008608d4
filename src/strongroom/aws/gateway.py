"""The HTTP front of the AWS services: one POST route.

A request passes: size, signature, unpacking, operation (which must belong to the service that the request was signed
for), body, constraints, handler. Whatever goes wrong becomes a reply here, in the words of the protocol that was
spoken; an unforeseen failure becomes the service's internal error with the request id, and a line in the log, never a
traceback in the reply. The recorder is told of every call, whatever became of it.
"""

from __future__ import annotations

import asyncio
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from strongroom.aws import errors
from strongroom.aws.errors import AwsError
from strongroom.aws.event_stream import EventStream, EventStreamReply
from strongroom.aws.models import ServiceModel
from strongroom.aws.protocols import FALLBACK, WireProtocol, protocol_of
from strongroom.aws.recording import CONTROL, MadeCall, Recorder, Resource
from strongroom.aws.request import HttpReply, HttpRequest
from strongroom.aws.sigv4 import Identity, SignatureVerifier
from strongroom.aws.validation import ValidationFailed, validate
from strongroom.storage.interface import Write

MAX_BODY_BYTES: Final = 1 << 20
LONG_BODY_BYTES: Final = 64 * 1024
LONG_BODIES: Final = 64
"""So many requests with bodies over :data:`LONG_BODY_BYTES` are in memory at once; others wait to be read on."""
_READING_NAMES: Final = ("Describe", "Filter", "Get", "List", "Lookup", "Test")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an operation: who asks, and the id that the reply and the log carry."""

    operation: str
    identity: Identity
    request_id: str
    source_ip: str
    recorder: Callable[[Mapping[str, Any], str], tuple[Write, ...]] = lambda _reply, _store: ()

    def record(self, reply: msgspec.Struct, store: str = CONTROL) -> tuple[Write, ...]:
        """What the transaction of a change writes besides, so that change and record happen together.

        ``reply`` is what the handler will return. ``store`` says which one commits the change: a cluster's id,
        ``recording.CONTROL`` or ``recording.LOGS``.
        """
        return self.recorder(msgspec.to_builtins(reply), store)


Handler = Callable[[Call, dict[str, Any]], Mapping[str, Any] | EventStream]
"""Takes validated members by the model's names, gives the reply's, or a stream of events where the model says so;
raises :class:`AwsError`. Runs in a thread."""

Finished = Callable[[str, str, int, float], None]
"""Is told of each finished request: service and operation (``-`` where it did not get so far), status, seconds."""


@dataclass(frozen=True, slots=True)
class HostedService:
    """A service: its model, a handler for each operation that is offered, and its names for common failures."""

    model: ServiceModel
    handlers: Mapping[str, Handler]
    invalid_request: str
    """The error for input that breaks the model's constraints, and for operations that are not offered."""
    internal_failure: str
    invalid_members: Mapping[str, str] = field(default_factory=dict)
    """Errors for certain members of input that break the model's constraints, where ``invalid_request`` is not it."""
    secrets: frozenset[str] = frozenset()
    """Members, at any depth, that enter no record and no error although the model does not mark them sensitive."""
    bulk: frozenset[str] = frozenset()
    """Members that enter no record because they are many."""
    reading: frozenset[str] = frozenset()
    """Operations that only read although their names do not say so."""
    resources: Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Resource]] = lambda _request, _reply: ()
    """What a call is about, by the members of request and reply."""

    def reads(self, operation: str) -> bool:
        """Whether an operation changes nothing."""
        return operation in self.reading or operation.startswith(_READING_NAMES)


@dataclass(slots=True)
class _Exchange:
    """What is known of a request so far; the reply is made from it."""

    request_id: str
    protocol: WireProtocol = FALLBACK
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
        recorder: Recorder,
        ready: Callable[[], None],
        clock: Callable[[], float] = time.time,
        finished: Finished = lambda *_: None,
    ) -> None:
        self._services = {service.model.name: service for service in services}
        self._models = [service.model for service in services]
        self._verifier = verifier
        self._recorder = recorder
        self._ready = ready
        self._clock = clock
        self._finished = finished
        self._long_bodies = asyncio.Semaphore(LONG_BODIES)

    def application(
        self,
        on_start: Callable[[], None] | None = None,
        on_stop: Callable[[], None] | None = None,
        pages: Sequence[BaseRoute] = (),
    ) -> Starlette:
        """The ASGI application. ``on_start`` runs in a thread before the first request is taken, ``on_stop`` after the
        last one; ``pages`` are routes that are no calls to AWS services.
        """

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            if on_start is not None:
                await run_in_threadpool(on_start)
            yield
            if on_stop is not None:
                await run_in_threadpool(on_stop)

        routes = [
            Route("/health", self._health, methods=["GET"]),
            *pages,
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
        self._recorder.refused(self._made(exchange, request), refusal)
        return self._error_reply(exchange, refusal)

    async def _call(self, request: Request) -> Response:
        started = self._clock()
        exchange = _Exchange(str(uuid.uuid4()), protocol_of(request.headers.get))
        made = self._made(exchange, request)
        try:
            async with AsyncExitStack() as stack:
                try:
                    incoming = await _read(request, lambda: stack.enter_async_context(self._long_bodies))
                except AwsError as error:
                    self._recorder.refused(made, error)
                    raise
                reply = await run_in_threadpool(self._answer, exchange, incoming, made)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except AwsError as error:
            refusal = self._error_reply(exchange, error)
            self._log(exchange, started, refusal.status_code, error)
            return refusal
        except Exception as error:
            # Formatted here, because a log's own traceback may show variables, and one of them may be a secret.
            trace = "".join(traceback.format_exception(error))
            names = {"request_id": exchange.request_id, "operation": exchange.operation}
            log.error("request failed", **names, traceback=trace)  # noqa: TRY400 - see above
            self._count(exchange, started, HTTPStatus.INTERNAL_SERVER_ERROR)
            return self._error_reply(exchange, self._internal_failure(exchange))
        self._log(exchange, started, reply.status, None)
        return self._reply(exchange, reply)

    def _made(self, exchange: _Exchange, request: Request) -> MadeCall:
        return MadeCall(
            request_id=exchange.request_id,
            received_at=self._clock(),
            source_ip=request.client.host if request.client else "",
            user_agent=request.headers.get("user-agent", ""),
            host=request.headers.get("host", ""),
            tls=request.scope.get("state", {}).get("tls"),
        )

    def _answer(self, exchange: _Exchange, incoming: HttpRequest, made: MadeCall) -> HttpReply | EventStream:
        try:
            result, reply = self._carry_out(exchange, incoming, made)
        except AwsError as error:
            self._recorder.refused(made, error)
            raise
        except Exception:
            self._recorder.refused(made, self._internal_failure(exchange))
            raise
        self._recorder.answered(made, result)
        return reply

    def _carry_out(
        self, exchange: _Exchange, incoming: HttpRequest, made: MadeCall
    ) -> tuple[Mapping[str, Any], HttpReply | EventStream]:
        identity = made.identity = self._verifier.verify(incoming)
        exchange.account = identity.account
        incoming = incoming.unpacked(MAX_BODY_BYTES)
        model, operation = exchange.protocol.find(self._models, incoming, identity.signing_name)
        service = self._services[model.name]
        if service.model.signing_name != identity.signing_name:
            raise errors.invalid_signature(
                f"Credential should be scoped to correct service: '{service.model.signing_name}'. "
            )
        exchange.service, exchange.operation = made.service, made.operation = service, operation
        members = made.members = exchange.protocol.parse(model, operation, incoming)
        handler = service.handlers.get(operation)
        if handler is None:
            raise AwsError(service.invalid_request, f"{operation} is not supported yet by this Strongroom version.")
        try:
            validate(model.input_shape(operation), members, service.secrets)
        except ValidationFailed as failure:
            code = service.invalid_members.get(failure.member, service.invalid_request)
            raise AwsError(code, str(failure)) from None
        if not service.reads(operation) and not self._recorder.takes_changes():
            raise _unrecordable(service)
        call = Call(operation, identity, exchange.request_id, made.source_ip, self._change_of(made))
        result = handler(call, members)
        if isinstance(result, EventStream):
            return {}, result
        return dict(result), exchange.protocol.reply(model, operation, dict(result), exchange.request_id)

    def _change_of(self, made: MadeCall) -> Callable[[Mapping[str, Any], str], tuple[Write, ...]]:
        return lambda reply, store: (self._recorder.change(made, reply, store),)

    def _internal_failure(self, exchange: _Exchange) -> AwsError:
        code = exchange.service.internal_failure if exchange.service else "InternalFailure"
        text = f"The request failed because of an internal error. Look for request {exchange.request_id} in the log."
        return AwsError(code, text, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _error_reply(self, exchange: _Exchange, error: AwsError) -> Response:
        model = exchange.service.model if exchange.service else None
        return self._reply(exchange, exchange.protocol.refusal(model, error, exchange.request_id))

    def _reply(self, exchange: _Exchange, reply: HttpReply | EventStream) -> Response:
        headers = {"x-amzn-requestid": exchange.request_id, "date": self._date()}
        if isinstance(reply, EventStream):
            shape = exchange.service.model.output_shape(exchange.operation) if exchange.service else None
            return EventStreamReply(reply, shape, headers)
        return Response(reply.body, reply.status, reply.headers | headers | {"content-type": reply.content_type})

    def _date(self) -> str:
        """SDKs correct their clocks by this header."""
        return formatdate(self._clock(), usegmt=True)

    def _count(self, exchange: _Exchange, started: float, status: int) -> None:
        service = exchange.service.model.name if exchange.service else "-"
        self._finished(service, exchange.operation, int(status), max(self._clock() - started, 0.0))

    def _log(self, exchange: _Exchange, started: float, status: int, error: AwsError | None) -> None:
        self._count(exchange, started, status)
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


def _unrecordable(service: HostedService) -> AwsError:
    text = (
        "Nothing was changed: calls cannot be recorded now, so none may change anything. The disk of the service's logs"
        " may be full, read-only or failing; the service's log says which. Send the request again when that is mended."
    )
    return AwsError(service.internal_failure, text, HTTPStatus.INTERNAL_SERVER_ERROR)


async def _read(request: Request, before_long: Callable[[], Awaitable[None]]) -> HttpRequest:
    """The request with its body. ``before_long`` is awaited once before more than :data:`LONG_BODY_BYTES` are kept.

    Raises :class:`AwsError` when the body is too large or is encoded.
    """
    if request.headers.get("content-encoding", "identity") not in {"identity", "gzip"}:
        raise AwsError("UnsupportedMediaType", "A body is sent as it is or in gzip format.", 415)
    too_large = errors.too_large(MAX_BODY_BYTES)
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
