"""Texts of others, made safe for a terminal and for readers of lines."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with what a terminal or a reader of lines would obey as escapes: nobody's name makes a line."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
