"""Options that several of the commands have."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

cluster_option = click.option("--cluster", "cluster_id", metavar="CLUSTER-ID", help="This cluster's HSMs alone.")
hsm_option = click.option("--hsm", "hsm_id", metavar="HSM-ID", help="This HSM alone.")
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


class When(click.ParamType[int]):
    """A time in µs since 1970: an ISO 8601 time (UTC where it names no zone), or a span before now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        span = _SPAN.fullmatch(value)
        if span:
            return int((time.time() - int(span[1]) * _SECONDS[span[2]]) * 1_000_000)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a time like 2026-05-03T08:15 nor a span like 15m, 2h or 7d", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1_000_000)


class Number(click.ParamType[int]):
    """A number, decimal or ``0x…``."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return int(value, 0)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
