"""The JSON object that every command prints (aws-cloudhsm 4.1), and the error that becomes a failed one."""

from __future__ import annotations

import json
from typing import Any

Data = dict[str, Any] | str
"""What a command answers: the member ``data``."""


class CommandError(Exception):
    """A command cannot be done; ``str(error)`` is one line that says what is wrong and what to do."""


def success(data: Data) -> str:
    return _text({"error_code": 0, "data": data})


def failure(message: str) -> str:
    return _text({"error_code": 1, "data": " ".join(message.split())})


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
