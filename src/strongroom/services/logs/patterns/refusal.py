"""What is wrong with a pattern."""

from __future__ import annotations


class InvalidPattern(Exception):
    """The pattern is none; the message says why, in AWS's words where they are known."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(f"Invalid filter pattern: {reason}" if reason else "Invalid filter pattern")
