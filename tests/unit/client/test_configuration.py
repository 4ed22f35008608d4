from __future__ import annotations

import json
from pathlib import Path

import pytest

from strongroom.client import ConfigurationError, configuration


def entry(cluster_id: str, hostname: str = "127.0.0.5") -> dict[str, object]:
    servers = [{"hostname": hostname, "port": 2223, "enable": True}]
    return {"type": "hsm1", "cluster": {"hsm_ca_file": "ca.crt", "cluster_id": cluster_id, "servers": servers}}


def written(path: Path, *clusters: object) -> Path:
    path.write_text(json.dumps({"clusters": list(clusters), "logging": {"log_type": "file"}}))
    return path


def test_the_only_cluster_needs_no_choice(tmp_path: Path) -> None:
    found = configuration.load(written(tmp_path / "c.json", entry("cluster-a")))
    assert found.cluster_id == "cluster-a"
    assert json.loads(found.text)["logging"] == {"log_type": "file"}


def test_the_chosen_cluster_is_the_only_one_in_the_text(tmp_path: Path) -> None:
    file = written(tmp_path / "c.json", entry("cluster-a"), entry("cluster-b"))
    found = configuration.load(file, "cluster-b")
    assert [cluster["cluster"]["cluster_id"] for cluster in json.loads(found.text)["clusters"]] == ["cluster-b"]


def test_relative_paths_are_taken_from_the_directory_of_the_file(tmp_path: Path) -> None:
    found = configuration.load(written(tmp_path / "c.json", entry("cluster-a")))
    assert json.loads(found.text)["clusters"][0]["cluster"]["hsm_ca_file"] == str(tmp_path / "ca.crt")


def test_one_of_several_clusters_must_be_chosen(tmp_path: Path) -> None:
    file = written(tmp_path / "c.json", entry("cluster-a"), entry("cluster-b"))
    with pytest.raises(ConfigurationError, match=r"--cluster-id \(cluster-a, cluster-b\)"):
        configuration.load(file)


def test_an_unknown_cluster_is_refused_by_name(tmp_path: Path) -> None:
    file = written(tmp_path / "c.json", entry("cluster-a"))
    with pytest.raises(ConfigurationError, match=r"cluster-x is not in .*; it has: cluster-a"):
        configuration.load(file, "cluster-x")


def test_the_variable_names_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "c.json", entry("cluster-a"))
    assert configuration.load(environment={"STRONGROOM_CONFIG": str(file)}).path == file


def test_the_users_own_file_comes_before_the_systems(tmp_path: Path) -> None:
    own = tmp_path / ".config" / "strongroom" / "client.json"
    own.parent.mkdir(parents=True)
    written(own, entry("cluster-a"))
    assert configuration.locate(None, {"HOME": str(tmp_path)}) == own


def test_without_a_file_the_error_names_the_variable_and_the_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "SYSTEM_PATHS", (tmp_path / "system.json",))
    with pytest.raises(ConfigurationError, match=r"STRONGROOM_CONFIG.*client\.json.*system\.json"):
        configuration.load(environment={"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "names no cluster"),
        ('{"clusters": []}', "names no cluster"),
        ('{"clusters": [{"cluster": {"servers": []}}]}', "names no server"),
        (json.dumps({"clusters": [entry("a", "%%HSM_IP_ADDRESS%%")]}), "still holds %%HSM_IP_ADDRESS%%"),
    ],
)
def test_a_broken_file_is_refused_with_its_path(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        configuration.load(file)
    assert str(file) in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.json cannot be read: No such file"):
        configuration.load(tmp_path / "missing.json")
