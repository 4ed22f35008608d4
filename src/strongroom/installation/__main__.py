"""The service of `strongroom up -d`: ``python -m strongroom.installation READY-FD OPTIONS-JSON``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from strongroom.installation.detached import Failure, Ready, Report
from strongroom.installation.errors import InstallationError
from strongroom.installation.lock import ServiceRecord
from strongroom.installation.options import Options
from strongroom.installation.service import serve
from strongroom.installation.state_directory import StateDirectory


def main(arguments: list[str]) -> int:
    ready_fd, options = int(arguments[0]), msgspec.json.decode(arguments[1], type=Options)
    os.set_inheritable(ready_fd, False)
    state = StateDirectory(Path(options.state_directory))

    def report(message: Report) -> None:
        os.write(ready_fd, msgspec.json.encode(message))
        os.close(ready_fd)

    ready = False

    def on_ready(record: ServiceRecord) -> None:
        nonlocal ready
        ready = True
        report(Ready(record=record))

    try:
        serve(options, on_ready=on_ready)
    except InstallationError as error:
        if not ready:
            report(Failure(text=error.text, hint=error.hint))
        return 1
    except Exception as error:
        if not ready:
            report(Failure(text=f"{type(error).__name__}: {error}", hint=f"see {state.service_log}"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
