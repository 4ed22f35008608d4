"""``python -m strongroom.hsm``: one HSM process. The fleet starts it; everything else it finds in its store."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from strongroom._native import HsmError, confine_hsm_process
from strongroom.hsm.log_stream import LogStream
from strongroom.hsm.process import HsmProcess, Options
from strongroom.hsm.settings import LIMITS, Settings
from strongroom.hsm.waiting import EXIT_REFUSED

_TRACEBACKS: Final = ExceptionDictTransformer(show_locals=False)
"""Without the values of variables, which structlog shows otherwise: one of them may be a secret."""


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit codes are those of :mod:`strongroom.hsm.process`."""
    options, limits = _options()
    _log_to_stderr()
    try:
        confine_hsm_process()
    except HsmError as error:
        structlog.get_logger().error("the process is not confined", reason=error.args[1])
        return EXIT_REFUSED
    process = HsmProcess(options, replace(Settings(), **limits))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    return process.run()


def _options() -> tuple[Options, dict[str, int]]:
    parser = argparse.ArgumentParser(prog="python -m strongroom.hsm", description="One HSM of a Strongroom cluster.")
    parser.add_argument("--store", required=True, help="URL of the cluster's store, sqlite:<path>")
    parser.add_argument("--hsm-id", required=True)
    parser.add_argument("--state-dir", required=True, type=Path, help="this HSM's own directory")
    parser.add_argument("--root-key-fd", required=True, type=int, help="inherited descriptor to read the root key from")
    parser.add_argument("--installation", required=True, type=Path, help="the installation's sealed bundle")
    parser.add_argument("--allow-unlocked-memory", action="store_true")
    parser.add_argument("--limit", action="append", default=[], type=_limit, metavar="NAME=NUMBER")
    given = parser.parse_args()
    options = Options(
        store=given.store,
        hsm_id=given.hsm_id,
        state_directory=given.state_dir,
        root_key_fd=given.root_key_fd,
        installation=given.installation,
        allow_unlocked_memory=given.allow_unlocked_memory,
    )
    return options, dict(given.limit)


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in LIMITS or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no limit: write one of {', '.join(LIMITS)} with its number")
    return name, int(number)


def _log_to_stderr() -> None:
    """One JSON object a line; no message holds a secret."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_TRACEBACKS),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, LogStream())),
        cache_logger_on_first_use=True,
    )


if __name__ == "__main__":
    sys.exit(main())
