"""Every transcript of this folder against a throw-away cluster: commands and what they print, in one text file.

::

    # A comment, anywhere between commands.
    $ cloudhsm-cli key list            a command for bash; lines that start with "> " continue it
    > --max-items 1
    {                                  what it prints on standard output, up to the next command or blank line
      "key-reference": "{{key}}"       {{key}} stands for any word the first time, and for the same one afterwards
      "sig": "[..]"                    [..] stands for anything within a line
    ...                                a line of three dots stands for any lines
    ? 1                                its exit status, where that is not 0

Names that were seen may be used in later commands: ``--filter key-reference={{key}}``. The files are independent of
each other, so that they use names of their own for users and keys.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

NAME = re.compile(r"\{\{(\w+)\}\}")
WORD = r'[^"\s,]+'


FOLDER = Path(__file__).parent


@pytest.mark.cluster
@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.txt")))
def test_transcript(name: str, ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    replay(FOLDER / f"{name}.txt", ephemeral, tmp_path)


def test_a_transcript_that_differs_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "differs.txt"
    file.write_text("$ echo a\na\n\n$ echo b\nc\n")
    with pytest.raises(AssertionError, match=r"differs\.txt:4: \$ echo b"):
        replay(file, {}, tmp_path)


def test_names_stand_for_one_word_throughout_and_status_and_dots_are_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text(
        "# A comment.\n"
        "$ printf '1\\n2\\n%s %s\\n' x9 x9; exit 3\n...\n{{word}} {{word}}\n? 3\n\n"
        "$ echo '{{word}}'\n> echo more\nx9\n[..]re\n"
    )
    replay(file, {}, tmp_path)


def test_another_exit_status_is_a_difference(tmp_path: Path) -> None:
    file = tmp_path / "status.txt"
    file.write_text("$ exit 2\n? 1\n")
    with pytest.raises(AssertionError, match="exit status 2, not 1"):
        replay(file, {}, tmp_path)


@dataclass
class Step:
    """A command with what it should print and its exit status."""

    line: int
    command: str
    expected: list[str] = field(default_factory=list)
    status: int = 0


def parse(text: str) -> list[Step]:
    """The steps of a transcript; :class:`ValueError` for a line that belongs to none."""
    steps: list[Step] = []
    open_step: Step | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("$ "):
            open_step = Step(number, line[2:])
            steps.append(open_step)
        elif not line.strip() or (open_step is None and line.startswith("#")):
            open_step = None
        elif open_step is None:
            raise ValueError(f"line {number} belongs to no command: {line}")
        elif line.startswith("> ") and not open_step.expected:
            open_step.command += "\n" + line[2:]
        elif line.startswith("? "):
            open_step.status = int(line[2:])
        else:
            open_step.expected.append(line)
    return steps


def replay(file: Path, environment: Mapping[str, str], directory: Path) -> None:
    """Run a transcript in a directory; :class:`AssertionError` names the line where it differs."""
    seen: dict[str, str] = {}
    for step in parse(file.read_text()):
        command = _filled_in(step.command, seen)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            check=False,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        where = f"{file.name}:{step.line}: $ {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == step.status, f"{where}\nexit status {done.returncode}, not {step.status}"
        match = re.fullmatch(_pattern(step.expected, seen), done.stdout)
        expected = "\n".join(step.expected)
        assert match is not None, f"{where}\nis not what was expected:\n{expected}\nwhere {seen}"
        seen |= match.groupdict()


def _filled_in(command: str, seen: Mapping[str, str]) -> str:
    return NAME.sub(lambda name: seen[name.group(1)], command)


def _pattern(expected: list[str], seen: Mapping[str, str]) -> str:
    new: set[str] = set()
    lines = [r"(?:.*\n)*?" if line == "..." else _line_pattern(line, seen, new) + r"\n" for line in expected]
    return "".join(lines)


def _line_pattern(line: str, seen: Mapping[str, str], new: set[str]) -> str:
    pattern = ""
    for piece in re.split(r"(\{\{\w+\}\}|\[\.\.\])", line):
        name = NAME.fullmatch(piece)
        if piece == "[..]":
            pattern += r".*"
        elif name is None:
            pattern += re.escape(piece)
        elif name.group(1) in seen:
            pattern += re.escape(seen[name.group(1)])
        elif name.group(1) in new:
            pattern += f"(?P={name.group(1)})"
        else:
            new.add(name.group(1))
            pattern += f"(?P<{name.group(1)}>{WORD})"
    return pattern
