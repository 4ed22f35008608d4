"""``strongroom forward``: what is kept in the settings, and what is refused."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from strongroom.cli.operator.commands.forward import forward
from strongroom.installation.settings import load_settings
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores

CLOUDWATCH = ("add", "cloudwatch-logs", "--name", "aws", "--region", "eu-west-1", "group", "--endpoint-url")


@pytest.fixture
def state(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.make()
    state.sealed_installation.write_bytes(b"")
    Stores(state).close()
    return state


@pytest.fixture
def run(state):
    def call(*arguments):
        return CliRunner().invoke(forward, [*arguments, "--state-dir", str(state.root)])

    return call


def test_targets_of_each_kind_are_kept_listed_and_removed(run, state, tmp_path):
    assert run("add", "file", "--name", "local", str(tmp_path / "a.jsonl"), "--keep", "3").exit_code == 0
    assert run("add", "syslog", "--name", "siem", "logs.example.org", "--contents", "trail").exit_code == 0
    assert run("add", "cloudwatch-logs", "--name", "aws", "--region", "eu-west-1", "group").exit_code == 0
    assert run("add", "otlp", "--name", "otel", "https://otel.example.org:4318").exit_code == 0
    assert run(*CLOUDWATCH, "http://127.0.0.1:8223", "--name", "second").exit_code == 0
    assert run("remove", "second").exit_code == 0
    names = [target.name for target in load_settings(state.settings).forward]
    assert names == ["local", "siem", "aws", "otel"]
    listed = run("list").output.splitlines()
    assert listed[1] == "siem  trail  syslog logs.example.org:6514"
    assert json.loads(run("list", "--json").output)[0]["keep"] == 3
    assert run("status").output.splitlines()[1] == "siem  syslog logs.example.org:6514  0 events sent"
    assert run("remove", "aws").exit_code == 0
    assert [target.name for target in load_settings(state.settings).forward] == ["local", "siem", "otel"]
    assert state.settings.stat().st_mode & 0o777 == 0o600


def test_files_that_are_not_given_are_none_and_others_are_kept_with_their_whole_path(run, state, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("")
    run("add", "syslog", "--name", "siem", "logs.example.org")
    run("add", "cloudwatch-logs", "--name", "aws", "--region", "eu-west-1", "group")
    run("add", "otlp", "--name", "otel", "https://otel.example.org:4318", "--ca-file", "ca.pem")
    siem, aws, otel = load_settings(state.settings).forward
    assert (siem.ca_file, siem.certificate, siem.key) == ("", "", "")
    assert (aws.ca_file, aws.credentials_file) == ("", "")
    assert (otel.ca_file, otel.headers_file) == (str(tmp_path / "ca.pem"), "")
    assert run("add", "syslog", "--name", "second", "host", "--ca-file", str(tmp_path)).exit_code != 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "file", "--name", "Bad Name", "a"), "is no name for a target"),
        (("add", "file", "--name", "local", "/nowhere/a"), "there is no directory /nowhere"),
        (("add", "syslog", "--name", "siem", "host:port"), "is no address"),
        (("add", "otlp", "--name", "otel", "otel.example.org"), "is no URL"),
        (("add", "otlp", "--name", "otel", "http://otel.example.org"), "without TLS"),
        (("add", "otlp", "--name", "otel", "https://otel.example.org:port"), "is no URL of a collector"),
        (("add", "otlp", "--name", "otel", "https://otel.example.org:65536"), "is no URL of a collector"),
        (("add", "otlp", "--name", "otel", "https://[::1"), "is no URL of a collector"),
        (("add", "cloudwatch-logs", "--name", "aws", "--region", "Mars", "group"), "is no region name"),
        ((*CLOUDWATCH, "http://logs.example.org:8223"), "events are not sent to logs.example.org without TLS"),
        ((*CLOUDWATCH, "http://192.0.2.1"), "events are not sent to 192.0.2.1 without TLS"),
        ((*CLOUDWATCH, "https://logs.example.org:0"), "is no URL of an installation"),
        ((*CLOUDWATCH, "https://logs.example.org:99999"), "is no URL of an installation"),
        ((*CLOUDWATCH, "logs.example.org"), "is no URL of an installation"),
        (("remove", "siem"), "there is no target siem"),
    ],
)
def test_what_cannot_work_is_refused(run, state, arguments, said):
    done = run(*arguments)
    assert done.exit_code != 0
    assert said in done.output + str(done.exception)
    assert load_settings(state.settings).forward == []


def test_a_name_is_given_once(run, tmp_path):
    run("add", "file", "--name", "local", str(tmp_path / "a"))
    assert "there is a target local already" in run("add", "file", "--name", "local", str(tmp_path / "b")).output


def test_nothing_is_added_where_there_is_no_installation(tmp_path):
    done = CliRunner().invoke(forward, ["add", "otlp", "--name", "a", "http://localhost", "--state-dir", str(tmp_path)])
    assert "no installation was made" in done.output
