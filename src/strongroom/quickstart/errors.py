"""Why the quick-start cluster could not be made."""

from __future__ import annotations


class QuickstartError(Exception):
    """``text`` says which step failed and how, ``hint`` what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
