"""PINs and the client configuration of the quick start."""

import json
from pathlib import Path

import pytest

from strongroom.quickstart import hsm_users
from strongroom.quickstart.client_configuration import configuration, write_client_configuration
from strongroom.quickstart.errors import QuickstartError
from strongroom.quickstart.files import QuickstartFiles, password_of


def test_pins_are_random_written_down_and_stay(tmp_path):
    files = QuickstartFiles(tmp_path)
    assert files.read_pins() is None
    pins = files.make_pins()
    assert files.make_pins() == pins == files.read_pins()
    assert files.pins.stat().st_mode & 0o777 == 0o600
    assert pins.admin.startswith("admin:")
    assert pins.crypto_user.startswith("app:")
    assert 8 <= len(password_of(pins.admin)) <= 32
    other = QuickstartFiles(tmp_path / "other")
    other.directory.mkdir()
    assert other.make_pins() != pins


def test_pins_are_not_shown_in_a_repr(tmp_path):
    pins = QuickstartFiles(tmp_path).make_pins()
    assert password_of(pins.admin) not in repr(pins)


def test_the_client_configuration_has_the_shape_of_awss_file(tmp_path):
    hsms = [
        {"HsmId": "hsm-1", "EniIp": "127.1.2.4", "State": "ACTIVE"},
        {"HsmId": "hsm-2", "EniIp": "127.1.2.68", "State": "DELETE_IN_PROGRESS"},
    ]
    files = QuickstartFiles(tmp_path)
    write_client_configuration(files, {"ClusterId": "cluster-1", "Hsms": hsms}, Path("/nowhere"))
    servers = [{"hostname": "127.1.2.4", "port": 2223, "enable": True}]
    written = json.loads(files.client_configuration.read_text())
    assert written == configuration("cluster-1", files.trust_anchor, servers)
    assert written["clusters"][0]["cluster"]["hsm_ca_file"] == str(tmp_path / "customerCA.crt")


def test_answers_of_the_cli_that_follow_each_other_are_told_apart():
    assert hsm_users._answers('{"error_code":0,\n "data":"a"}\n{"error_code":1,"data":"b"}\n') == [
        {"error_code": 0, "data": "a"},
        {"error_code": 1, "data": "b"},
    ]


def test_what_is_no_json_is_an_error_that_shows_it():
    with pytest.raises(QuickstartError, match="Traceback"):
        hsm_users._answers("Traceback (most recent call last)")


def test_a_program_that_is_not_installed_is_named():
    with pytest.raises(QuickstartError, match="no-such-program is not installed"):
        hsm_users.program("no-such-program")
