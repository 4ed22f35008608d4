"""Makes the gateway's handlers of functions that have types of their own, with the store's failures as errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import structlog

from strongroom.aws.errors import AwsError
from strongroom.aws.event_stream import EventStream
from strongroom.aws.gateway import Call, Handler
from strongroom.storage.interface import CompareFailed, StoreError

log = structlog.get_logger(__name__)
ContextT = TypeVar("ContextT")
RequestT = TypeVar("RequestT", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Handlers(Generic[ContextT]):
    """Makes a service's handlers over its context.

    ``changed_meanwhile`` and ``store_unavailable`` make the service's errors for a record that another request changed
    first, and for a store that cannot be used; why is told in the log, because it names the installation's files.
    """

    context: ContextT
    changed_meanwhile: Callable[[], AwsError]
    store_unavailable: Callable[[], AwsError]

    def of(
        self,
        function: Callable[[ContextT, Call, RequestT], msgspec.Struct | EventStream],
        request_type: type[RequestT],
    ) -> Handler:
        """The handler of an operation that ``function`` carries out."""

        def handle(call: Call, members: dict[str, Any]) -> dict[str, Any] | EventStream:
            try:
                response = function(self.context, call, msgspec.convert(members, request_type))
            except CompareFailed:
                raise self.changed_meanwhile() from None
            except StoreError as error:
                log.error("store unavailable", request_id=call.request_id, reason=str(error))  # noqa: TRY400
                raise self.store_unavailable() from None
            if isinstance(response, EventStream):
                return response
            reply: dict[str, Any] = msgspec.to_builtins(response)
            return reply

        return handle
