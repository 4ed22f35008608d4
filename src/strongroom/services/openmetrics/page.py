"""The page and who may read it: with a token, whoever sends it; without one, only programs on this machine, and not by
way of a proxy. The library that writes it is loaded when somebody reads it.
"""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from strongroom.services.openmetrics.request_counts import RequestCounts
from strongroom.services.readings import Readings

MIN_TOKEN_CHARACTERS: Final = 16
_FRESH_SECONDS: Final = 1.0
"""Who asks more often gets the page that was made last."""

log = structlog.get_logger(__name__)


class MetricsPage:
    """The page and who may read it."""

    def __init__(
        self, readings: Readings, counts: RequestCounts, token: Callable[[], str | None], version: str
    ) -> None:
        """``token`` gives what a reader must send, or ``None``; it is asked each time, so that it can be changed."""
        self._counts = counts
        self._readings = readings
        self._token = token
        self._version = version
        self._lock = threading.Lock()
        self._pages: dict[bool, tuple[float, bytes]] = {}

    def route(self) -> Route:
        return Route("/metrics", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        refusal = await run_in_threadpool(self._refusal, request)
        if refusal is not None:
            return refusal
        accepted = request.headers.get("accept", "*/*")
        as_plain = "text/plain" in accepted and "openmetrics" not in accepted
        body, content_type = await run_in_threadpool(self._page, as_plain)
        return Response(body, headers={"content-type": content_type})

    def _page(self, as_plain: bool) -> tuple[bytes, str]:
        from strongroom.services.openmetrics import families

        with self._lock:
            made_at, page = self._pages.get(as_plain, (0.0, b""))
            if not page or time.monotonic() - made_at > _FRESH_SECONDS:
                page = families.generate(self._readings.all, self._counts, self._version, as_plain=as_plain)
                self._pages[as_plain] = (time.monotonic(), page)
        return page, families.PLAIN_TYPE if as_plain else families.OPENMETRICS_TYPE

    def _refusal(self, request: Request) -> Response | None:
        token = self._token()
        if token is None:
            if _is_local(request):
                return None
            text = "Figures are shown to programs on the service's machine only, unless the operator sets a token.\n"
            return PlainTextResponse(text, HTTPStatus.FORBIDDEN)
        if len(token) < MIN_TOKEN_CHARACTERS:
            log.error("figures not shown", reason=f"the token has fewer than {MIN_TOKEN_CHARACTERS} characters")
            return PlainTextResponse("The operator's token is too short to be used.\n", HTTPStatus.FORBIDDEN)
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return None
        text = "Send the operator's token: Authorization: Bearer <token>.\n"
        return PlainTextResponse(text, HTTPStatus.UNAUTHORIZED, {"www-authenticate": "Bearer"})


def _is_local(request: Request) -> bool:
    """Whether a program on this machine asks for itself: not for a browser's page that was told that a name of its own
    means 127.0.0.1, and not as a proxy.
    """
    passed_on = any(name == "forwarded" or name.startswith("x-forwarded") for name in request.headers)
    server = request.scope.get("server") or ("",)
    peer = request.client.host if request.client else ""
    asked_for = request.url.hostname or ""
    return (
        not passed_on
        and _is_loopback(peer)
        and _is_loopback(server[0])
        and (asked_for == "localhost" or _is_loopback(asked_for))
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
