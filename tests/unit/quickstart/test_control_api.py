"""The client of the control API, as far as it calls nobody."""

import pytest

from strongroom.quickstart import control_api
from strongroom.quickstart.control_api import ControlApi

ENVIRONMENT = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:8223",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


@pytest.fixture(autouse=True)
def new_session():
    control_api._session.cache_clear()
    yield
    control_api._session.cache_clear()


def test_what_was_loaded_ahead_is_not_called():
    ControlApi.load()
    client = ControlApi(ENVIRONMENT)._client
    assert client.meta.endpoint_url == "http://127.0.0.1:8223"
    assert client.meta.region_name == "eu-central-1"
    assert client._request_signer._credentials.access_key == "AKIAEXAMPLE"


def test_a_profile_of_the_caller_need_not_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert ControlApi(ENVIRONMENT)._client.meta.region_name == "eu-central-1"
