"""Where the program reads and writes: the only place that knows whether a person sits in front of it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from strongroom.cli.cloudhsm.envelope import CommandError

if TYPE_CHECKING:
    from strongroom.client.native import Password


class Terminal:
    """Standard input and output. Answers go to standard output, everything else does not."""

    def is_interactive(self) -> bool:
        """Whether standard input is a terminal."""
        return sys.stdin.isatty()

    def write(self, text: str) -> None:
        """One answer, or help: in one piece, for a reader that closes the pipe when it has seen what it wants."""
        print(f"{text}\n", end="", flush=True)

    def warn(self, text: str) -> None:
        """Something that is not part of the answer."""
        print(text, file=sys.stderr, flush=True)

    def read_line(self) -> str | None:
        """The next line of standard input without its end; ``None`` at the end of input.

        Not a byte is read beyond it: the next line may be a password, which belongs into no buffer of Python's.
        """
        line, byte = bytearray(), b""
        while byte != b"\n":
            byte = os.read(sys.stdin.fileno(), 1)
            if not byte and not line:
                return None
            if not byte:
                break
            line += byte
        return line.decode().rstrip("\r\n")

    def ask(self, prompt: str) -> str:
        """The answer to a question whose answer may be seen: a line of standard input."""
        print(prompt, end="", file=sys.stderr, flush=True)
        line = self.read_line()
        if line is None:
            raise CommandError(f"The input ended where this was asked for: {prompt.rstrip(':')}.")
        return line.strip()

    def read_password(self, prompt: str) -> Password:
        """A password: typed without echo, or the next line where standard input is no terminal."""
        if self.is_interactive():
            from strongroom._native import ask_password

            return ask_password(prompt)
        print(prompt, end="", file=sys.stderr, flush=True)
        line = self.read_password_line()
        if line is None:
            raise CommandError("No password was given: use --password, or put it on the next line of the input.")
        return line

    def read_password_line(self) -> Password | None:
        """The next line of standard input; ``None`` at the end of input."""
        from strongroom._native import read_password_line

        return read_password_line()
