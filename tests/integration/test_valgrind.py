"""The C edge under valgrind: a C program with the library makes no invalid access and uses nothing uninitialised."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "crates" / "pkcs11" / "tests" / "program.c"
FOUND = 99
"""The exit status where valgrind found an error."""

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("valgrind") / "program"
    include = ROOT / "src" / "strongroom" / "include"
    subprocess.run(["cc", "-g", f"-I{include}", "-o", str(built), str(PROGRAM), "-ldl"], check=True)
    return built


def under_valgrind(environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    return subprocess.run(
        ["valgrind", "--quiet", f"--error-exitcode={FOUND}", "--trace-children=no", *command],
        env=dict(environment),
        capture_output=True,
        text=True,
    )


def test_a_c_program_signs_and_verifies_without_an_invalid_access(ephemeral: Mapping[str, str], program: Path):
    done = under_valgrind(ephemeral, str(program), ephemeral["STRONGROOM_PKCS11_MODULE"], ephemeral["CLOUDHSM_PIN"])
    assert (done.returncode, done.stdout) == (0, "signed and verified\n"), done.stderr


def test_valgrind_would_tell(ephemeral: Mapping[str, str], tmp_path: Path):
    source = tmp_path / "wrong.c"
    source.write_text("#include <stdlib.h>\nint main(void) { char *place = malloc(4); return place[4]; }\n")
    subprocess.run(["cc", "-g", "-O0", "-o", str(tmp_path / "wrong"), str(source)], check=True)
    assert under_valgrind(ephemeral, str(tmp_path / "wrong")).returncode == FOUND
