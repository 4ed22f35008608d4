"""What goes wrong with an installation, for the operator: a sentence and what to do."""

from __future__ import annotations


class InstallationError(Exception):
    """``text`` says what is wrong, ``hint`` what to do about it."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class NotRunning(InstallationError):
    """The command needs the service, and it does not run."""
