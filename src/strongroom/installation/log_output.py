"""Where the service's log goes: always to ``logs/service.log`` as JSON lines, and as text to a terminal in front."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure_logging(path: Path, *, echo: TextIO | None) -> Callable[[], None]:
    """Send structlog and the standard library's loggers there; gives what ends that.

    ``echo`` gets warnings and errors too.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "w", buffering=1)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    root.setLevel(logging.INFO)
    handlers = [_handler(file, shared, structlog.processors.JSONRenderer())]
    if echo is not None:
        handlers.append(_handler(echo, shared, _one_line))
        handlers[-1].setLevel(logging.WARNING)
    for handler in handlers:
        root.addHandler(handler)
    for noisy in ("botocore", "uvicorn.access", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    def end() -> None:
        for handler in handlers:
            root.removeHandler(handler)
        file.close()

    return end


def _handler(
    stream: TextIO, shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor
) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        renderer,
    ]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors))
    return handler


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """``warning: HSM ended and is started again (hsm=…, wait_seconds=0.2)``."""
    level, text = event.pop("level", "info"), event.pop("event", "")
    details = ", ".join(f"{name}={value}" for name, value in event.items() if name not in {"timestamp", "logger"})
    return f"{level}: {text} ({details})" if details else f"{level}: {text}"
