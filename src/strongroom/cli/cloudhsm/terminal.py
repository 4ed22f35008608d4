"""Where the program reads and writes: the only place that knows whether a person sits in front of it."""

from __future__ import annotations

import getpass
import sys

from strongroom.cli.cloudhsm.envelope import CommandError


class Terminal:
    """Standard input and output. Answers go to standard output, everything else does not."""

    def is_interactive(self) -> bool:
        """Whether standard input is a terminal."""
        return sys.stdin.isatty()

    def write(self, text: str) -> None:
        """One answer, or help."""
        print(text, flush=True)

    def warn(self, text: str) -> None:
        """Something that is not part of the answer."""
        print(text, file=sys.stderr, flush=True)

    def read_line(self) -> str | None:
        """The next line of standard input without its end; ``None`` at the end of input."""
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else None

    def read_password(self, prompt: str) -> str:
        """A password: typed without echo, or the next line where standard input is no terminal."""
        if self.is_interactive():
            return getpass.getpass(prompt)
        print(prompt, end="", file=sys.stderr, flush=True)
        line = self.read_line()
        if line is None:
            raise CommandError("No password was given: use --password, or put it on the next line of the input.")
        return line
