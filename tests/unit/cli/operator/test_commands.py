"""The operator's commands, as far as they need no cluster."""

import json

import click
import pytest
from click.testing import CliRunner

from strongroom.cli.operator.main import strongroom
from strongroom.installation.environment import Credentials, environment, export_lines, write_credentials
from strongroom.installation.lock import InstanceLock, ServiceRecord
from strongroom.installation.settings import Limits, Settings, limits_of, load_settings, save_settings
from strongroom.installation.state_directory import StateDirectory
from strongroom.quickstart.files import QuickstartFiles


@pytest.fixture
def state(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.make()
    return state


@pytest.fixture
def run(state, monkeypatch):
    for name in ("CLOUDHSM_PIN", "STRONGROOM_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        return CliRunner().invoke(strongroom, arguments, env={"STRONGROOM_STATE_DIR": str(state.root)})

    return run


def every_command(group, words=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*words, name))
        else:
            yield (*words, name)


@pytest.mark.parametrize("words", list(every_command(strongroom)), ids=" ".join)
def test_the_help_of_every_command_has_an_example(run, words):
    result = run(*words, "--help")
    assert result.exit_code == 0
    before, _, after = result.output.partition("Example")
    assert before.endswith("\n\n  ")
    first = after.splitlines()[1]
    assert first.startswith("      ")
    assert f"strongroom {' '.join(words)}" in first


def test_limits_are_shown_and_set_for_all_clusters_or_one(run, state):
    assert "no installation was made" in run("limits").output
    state.sealed_installation.touch()
    save_settings(state.settings, Settings())
    assert "max_keys                       16666\n" in run("limits").output
    assert "max_keys                       9\n" in run("limits", "max_keys=9", "max_users=5").output
    cluster = "cluster-aaaaaaaaaaa"
    assert "there is no cluster" in run("limits", "--cluster", cluster).output
    state.cluster_store(cluster).parent.mkdir(parents=True, exist_ok=True)
    state.cluster_store(cluster).touch()
    shown = run("limits", "--cluster", cluster, "max_keys=7").output
    assert "max_keys                       7\n" in shown
    assert "max_users                      5\n" in shown
    assert load_settings(state.settings).cluster_limits == {cluster: {"max_keys": 7}}
    assert limits_of(load_settings(state.settings), cluster) == Limits(max_keys=7, max_users=5)
    assert "max_keys                       9\n" in run("limits", "--cluster", cluster, "max_keys=default").output
    assert "max_keys                       16666\n" in run("limits", "max_keys=default").output
    assert load_settings(state.settings) == Settings(limits=Limits(max_users=5))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("max_keys", "gives no limit a number"),
        ("max_keys=-1", "gives no limit a number"),
        ("max_keys=0", "Expected `int` >= 1"),
        ("max_certs=5", "unknown field `max_certs`"),
        ("max_certs=default", "unknown field `max_certs`"),
        ("max_data_bytes=2000000", "Expected `int` <= 1044480"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_and_nothing_is_set(run, state, word, text):
    state.sealed_installation.touch()
    save_settings(state.settings, Settings())
    before = state.settings.read_bytes()
    result = run("limits", "max_users=9", word)
    assert result.exit_code == 1
    assert text in result.output
    assert state.settings.read_bytes() == before


def test_an_unknown_command_is_wrong_usage(run):
    assert run("nonsense").exit_code == 2


def test_down_without_a_service_is_no_error(run):
    result = run("down")
    assert result.exit_code == 0
    assert "Nothing runs" in result.output


def test_env_without_a_service_says_how_to_start_it(run):
    result = run("env")
    assert result.exit_code == 3
    assert "hint: start it with `strongroom up -d`" in result.output


def test_status_works_without_a_service_and_says_so(run):
    result = run("status", "--json")
    assert result.exit_code == 3
    shown = json.loads(result.output)
    assert shown["running"] is False
    assert shown["endpoint"] is None
    assert [subnet["AvailabilityZone"] for subnet in shown["subnets"]] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert shown["clusters"] == []


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104
        "192.0.2.1:8223",
        "[::]:8223",
        "example.test",
        "10.0.0.1",
    ],
)
def test_the_control_api_is_not_served_without_tls_beyond_loopback(run, host):
    result = run("up", "--listen", host)
    assert result.exit_code == 1
    assert "not served without TLS" in result.output
    assert "--tls-cert" in result.output


@pytest.mark.parametrize("text", ["", "127.0.0.1:x", "127.0.0.1:70000", ":80"])
def test_what_is_no_address_to_listen_on_is_refused(run, text):
    result = run("up", "--listen", text)
    assert result.exit_code == 1
    assert "no address to listen on" in result.output


def test_a_certificate_without_its_key_is_refused(run, tmp_path):
    result = run("up", "--tls-cert", str(tmp_path / "a.pem"))
    assert result.exit_code == 1
    assert "belong together" in result.output


def test_a_region_is_checked(run):
    result = run("up", "--region", "mars")
    assert result.exit_code == 1
    assert "no region name" in result.output


def test_up_refuses_a_state_directory_that_is_in_use(run, state):
    lock = InstanceLock.acquire(state)
    result = run("up")
    lock.release()
    assert result.exit_code == 1
    assert "a service runs already" in result.output


def test_an_access_key_needs_an_account_of_twelve_digits(run):
    result = run("access-key", "create", "--account", "12")
    assert result.exit_code == 1
    assert "twelve digits" in result.output


def test_wipe_needs_the_users_own_password(run):
    result = run("wipe", "--user", "alice", "--yes")
    assert result.exit_code == 1
    assert "set CLOUDHSM_PIN to alice:PASSWORD" in result.output


def test_rollback_is_accepted_for_a_cluster_that_is_there(run):
    result = run("store", "accept-rollback", "--cluster", "cluster-1", "--yes")
    assert result.exit_code == 1
    assert "there is no cluster cluster-1" in result.output


def test_logs_of_an_unknown_hsm_name_the_known_ones(run, state):
    (state.hsm("hsm-1")).mkdir()
    (state.hsm("hsm-1") / "hsm.log").write_text("one\ntwo\n")
    assert "two" in run("logs").output
    result = run("logs", "--hsm", "hsm-2")
    assert result.exit_code == 1
    assert "the HSMs are: hsm-1" in result.output


def service():
    return ServiceRecord(pid=1, endpoint="http://127.0.0.1:8223", region="us-east-1", started_at=1.0)


def test_the_environment_has_every_variable_that_the_tools_read(state):
    write_credentials(state, Credentials("AKIAEXAMPLE", "secret/with+signs"))
    files = QuickstartFiles(state.quickstart)
    pins = files.make_pins()
    files.client_configuration.write_text("{}")
    variables = environment(state, service(), admin=True)
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:8223"
    assert variables["AWS_ACCESS_KEY_ID"] == "AKIAEXAMPLE"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "secret/with+signs"
    assert variables["AWS_DEFAULT_REGION"] == "us-east-1"
    assert variables["CLOUDHSM_ROLE"] == "crypto-user"
    assert variables["CLOUDHSM_PIN"] == pins.crypto_user
    assert variables["STRONGROOM_ADMIN_PIN"] == pins.admin
    assert variables["STRONGROOM_CONFIG"] == str(files.client_configuration)
    assert variables["STRONGROOM_TRUST_ANCHOR"].endswith("customerCA.crt")
    assert variables["STRONGROOM_PKCS11_MODULE"].endswith("libstrongroom_pkcs11.so")
    assert variables["STRONGROOM_STATE_DIR"] == str(state.root)


def test_the_admins_pin_is_given_only_when_asked_for(state):
    QuickstartFiles(state.quickstart).make_pins()
    QuickstartFiles(state.quickstart).client_configuration.write_text("{}")
    assert "STRONGROOM_ADMIN_PIN" not in environment(state, service())


def test_export_lines_are_quoted_for_a_shell():
    assert export_lines({"A": "it's $HOME"}) == "export A='it'\"'\"'s $HOME'\n"
