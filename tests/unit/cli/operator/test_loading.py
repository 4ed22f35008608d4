"""Which modules a command loads: a start of ``strongroom`` is never slow for what another command needs."""

import json
import subprocess
import sys

import click
import pytest

from strongroom.cli.operator.commands import COMMANDS
from strongroom.cli.operator.main import strongroom

LIST = "from strongroom.cli.operator.main import strongroom; strongroom(['--help'], standalone_mode=False)"
HEAVY = {
    "asyncio",
    "boto3",
    "botocore",
    "cryptography",
    "http",
    "prometheus_client",
    "re2",
    "regex",
    "sqlite3",
    "ssl",
    "starlette",
    "strongroom._native",
    "strongroom.client",
    "strongroom.forwarding",
    "strongroom.quickstart.steps",
    "strongroom.services",
    "strongroom.storage",
    "structlog",
    "urllib3",
    "uvicorn",
}


def loaded_by(program):
    program += "; import json, sys; print(); print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_list_of_commands_is_shown_without_loading_one():
    loaded = loaded_by(LIST)
    assert "strongroom.cli.operator.commands" in loaded
    assert not {name for name in loaded if name.startswith("strongroom.cli.operator.commands.")}
    assert not loaded & (HEAVY | {"msgspec"})


@pytest.mark.parametrize("module", ["execute", "up"])
def test_what_starts_a_service_loads_the_rest_while_that_starts(module):
    loaded = loaded_by(f"import strongroom.cli.operator.commands.{module}")
    assert "strongroom.installation.detached" in loaded
    allowed = {"up": {"sqlite3", "strongroom.forwarding", "strongroom.storage"}}.get(module, set())
    assert not loaded & (HEAVY - allowed)


def test_the_program_of_hsm_users_loads_no_server_and_no_x509():
    loaded = loaded_by("import strongroom.cli.cloudhsm.main")
    assert not loaded & (HEAVY - {"strongroom.client"})


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_first_sentence_of_a_commands_help_says(name):
    command = strongroom.get_command(click.Context(strongroom), name)
    assert command.get_short_help_str(limit=1000) == COMMANDS[name].summary
