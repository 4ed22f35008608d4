"""The configure programs: what each option makes of the file, and what is refused."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from strongroom.cli.configure import addresses, main, options
from strongroom.cli.configure.errors import ConfigureError
from strongroom.client import configuration

A, B = "cluster-aaaaaaaaaaa", "cluster-bbbbbbbbbbb"


@dataclass
class Configure:
    """A program with a file of its own and a control API that knows addresses."""

    path: Path
    capture: Any
    environment: dict[str, str] = field(default_factory=dict)
    hsms: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    told: str = ""
    complained: str = ""

    def __call__(self, line: str, program: options.Program = main.PKCS11, *, config: bool = True) -> int:
        words = [*(["--config", str(self.path)] if config else []), *line.split()]
        try:
            return main.run(program, words, self.environment, self._lookup)
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            captured = self.capture.readouterr()
            self.told, self.complained = captured.out, captured.err

    def _lookup(
        self, cluster_id: str, region: str | None, endpoint: str | None, environment: Mapping[str, str]
    ) -> list[tuple[str, int]]:
        self.asked.append((cluster_id, region, endpoint))
        if cluster_id not in self.hsms:
            raise ConfigureError(f"There is no cluster {cluster_id}.")
        return self.hsms[cluster_id]

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.path.read_text())
        return document

    def clusters(self) -> list[dict[str, Any]]:
        return [entry["cluster"] for entry in self.document["clusters"]]


@pytest.fixture
def configure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Configure:
    return Configure(tmp_path / "client.json", capsys)


def anchor(path: Path, bits: int = 2048) -> Path:
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def server(hostname: str, port: int = 2223) -> dict[str, Any]:
    return {"hostname": hostname, "port": port, "enable": True}


def test_a_new_file_has_what_clients_read(configure: Configure, tmp_path: Path) -> None:
    ca = anchor(tmp_path / "ca.crt")
    assert configure(f"-a 10.0.0.5 10.0.0.6:2301 --hsm-ca-cert {ca} --cluster-id {A}") == 0
    assert configure.document == {
        "clusters": [
            {
                "type": "hsm1",
                "cluster": {
                    "hsm_ca_file": str(ca),
                    "servers": [server("10.0.0.5"), server("10.0.0.6", 2301)],
                    "cluster_id": A,
                },
            }
        ]
    }
    assert configuration.load(configure.path).cluster_id == A
    assert configure.told.startswith(f"Wrote {configure.path}.\nThe library is /")
    assert configure.complained == ""
    assert configure.path.stat().st_mode & 0o777 == 0o644
    assert configure.asked == []
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_a_trust_anchor_that_is_not_there_yet_is_named(configure: Configure, tmp_path: Path) -> None:
    assert configure("-a 10.0.0.5") == 0
    assert f"There is no {tmp_path / 'customerCA.crt'} yet: copy the certificate there" in configure.complained


def test_what_no_option_is_about_stays(configure: Configure) -> None:
    configure.path.write_text(
        json.dumps(
            {
                "clusters": [
                    {
                        "type": "hsm1",
                        "cluster": {"hsm_ca_file": "x.crt", "mine": 1, "servers": [server("%%HSM_IP_ADDRESS%%")]},
                    }
                ],
                "options": {"spin_us": 80},
                "more": True,
            }
        )
    )
    assert configure("-a 10.0.0.5 --default-retry-mode off --log-level debug") == 0
    (settings,) = configure.clusters()
    assert settings == {"hsm_ca_file": "x.crt", "mine": 1, "servers": [server("10.0.0.5")]}
    assert configure.document["options"] == {"spin_us": 80, "retry_mode": "off"}
    assert configure.document["logging"] == {"log_level": "debug"}
    assert configure.document["more"] is True
    assert configure("--default-retry-mode standard") == 0
    assert configure.document["options"]["retry_mode"] == "standard"
    assert configure.clusters() == [settings]


def test_the_log_goes_where_it_is_said(configure: Configure, tmp_path: Path) -> None:
    configure("-a 10.0.0.5")
    assert configure(f"--log-file {tmp_path / 'client.log'} --log-rotation hourly") == 0
    assert configure.document["logging"] == {
        "log_type": "file",
        "log_file": str(tmp_path / "client.log"),
        "log_interval": "hourly",
    }
    assert configure("--log-type term") == 0
    assert configure.document["logging"]["log_type"] == "term"


def test_a_client_certificate_goes_with_its_key(configure: Configure, tmp_path: Path) -> None:
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("PEM")
    line = f"-a 10.0.0.5 --client-cert-hsm-tls-file {tmp_path / 'c.pem'}"
    assert configure(line) == 1
    assert "Mutual TLS needs both" in configure.complained
    assert configure(f"{line} --client-key-hsm-tls-file {tmp_path / 'none.pem'}") == 1
    assert "There is no file" in configure.complained
    assert configure(f"{line} --client-key-hsm-tls-file {tmp_path / 'k.pem'}") == 0
    (settings,) = configure.clusters()
    assert settings["client_cert_hsm_tls_file"] == str(tmp_path / "c.pem")
    assert settings["client_key_hsm_tls_file"] == str(tmp_path / "k.pem")


def test_an_address_without_an_id_forgets_the_cluster_that_was_configured(configure: Configure) -> None:
    configure(f"-a 10.0.0.5 --cluster-id {A}")
    configure("-a 10.0.0.6")
    (settings,) = configure.clusters()
    assert "cluster_id" not in settings
    assert settings["servers"] == [server("10.0.0.6")]


def test_a_cluster_id_alone_is_looked_up(configure: Configure) -> None:
    configure.hsms[A] = [("10.0.0.7", 2223), ("10.0.0.8", 2223)]
    assert configure(f"--cluster-id {A} --region eu-west-1 --endpoint http://127.0.0.1:1") == 0
    assert configure.asked == [(A, "eu-west-1", "http://127.0.0.1:1")]
    assert configure.clusters()[0]["servers"] == [server("10.0.0.7"), server("10.0.0.8")]
    before = configure.path.read_bytes()
    assert configure(f"--cluster-id {B}") == 1
    assert "There is no cluster" in configure.complained
    assert configure.path.read_bytes() == before


def test_clusters_are_added_and_removed(configure: Configure) -> None:
    configure.hsms = {A: [("10.0.0.5", 2223)]}
    configure.path.write_text(
        json.dumps({"clusters": [{"type": "hsm1", "cluster": {"servers": [server("%%HSM_IP_ADDRESS%%")]}}]})
    )
    assert configure(f"add-cluster --cluster-id {A}", main.CLI) == 0
    assert configure(f"add-cluster --cluster-id {B} -a 10.0.1.5 10.0.1.6", main.CLI) == 0
    assert [settings["cluster_id"] for settings in configure.clusters()] == [A, B]
    assert configure(f"add-cluster --cluster-id {B} -a 10.0.1.5", main.CLI) == 1
    assert f"{B} is configured already" in configure.complained
    assert configure("-a 10.0.0.9", main.CLI) == 1
    assert f"several clusters: {A}, {B}" in configure.complained
    assert configure(f"-a 10.0.0.9 --cluster-id {B}", main.CLI) == 0
    assert [settings["servers"] for settings in configure.clusters()] == [[server("10.0.0.5")], [server("10.0.0.9")]]
    assert configure(f"remove-cluster --cluster-id {A}", main.CLI) == 0
    assert [settings["cluster_id"] for settings in configure.clusters()] == [B]
    assert configure(f"remove-cluster --cluster-id {A}", main.CLI) == 1
    assert f"{A} is not configured; configured are: {B}." in configure.complained


@pytest.mark.parametrize("program", [main.PKCS11, main.CLI], ids=lambda program: program.name)
def test_the_key_availability_check_is_turned_off_and_on(configure: Configure, program: options.Program) -> None:
    configure("-a 10.0.0.5")
    for word, disabled in (("disable", True), ("enable", False)):
        assert configure(f"--{word}-key-availability-check", program) == 0
        assert [cluster["options"] for cluster in configure.clusters()] == [
            {"disable_key_availability_check": disabled}
        ]
    assert configure("--enable-key-availability-check --disable-key-availability-check", program) == 2


def test_the_compatibility_mode_of_a_key_storage_provider_is_written(configure: Configure) -> None:
    assert configure(f"-a 10.0.0.5 --cluster-id {A}", main.KSP) == 0
    assert "options" not in configure.document
    for word, is_on in (("enable", True), ("disable", False), ("enable", True)):
        assert configure(f"--{word}-sdk3-compatibility-mode", main.KSP) == 0
        assert configure.document["options"] == {"sdk3_compatibility_mode": is_on}
    assert configure("--default-retry-mode off", main.KSP) == 0
    assert configure.document["options"] == {"sdk3_compatibility_mode": True, "retry_mode": "off"}
    assert configuration.load(configure.path).cluster_id == A
    assert "libstrongroom_pkcs11" not in configure.told


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("--enable-sdk3-compatibility-mode", main.PKCS11),
        ("--disable-sdk3-compatibility-mode", main.CLI),
        ("--enable-sdk3-compatibility-mode --disable-sdk3-compatibility-mode", main.KSP),
        ("", main.KSP),
        ("--enable-certificate-storage", main.KSP),
    ],
)
def test_options_of_another_program_are_refused(configure: Configure, line: str, program: options.Program) -> None:
    assert configure(line, program) == 2
    assert not configure.path.exists()


def program_of(option: str) -> options.Program:
    """One that has the option."""
    return main.JCE if "clear-key-extraction" in option else main.PKCS11


@pytest.mark.parametrize("option", sorted(options.WITHOUT_EFFECT))
def test_what_has_no_effect_says_why_and_changes_nothing(configure: Configure, option: str) -> None:
    configure("-a 10.0.0.5")
    before = configure.path.read_bytes()
    assert configure(option, program_of(option)) == 0
    assert f"{option} has no effect: {options.WITHOUT_EFFECT[option]}." in configure.complained
    assert configure.path.read_bytes() == before


@pytest.mark.parametrize("option", sorted(options.REFUSED))
def test_what_is_refused_says_what_to_do_instead_and_writes_nothing(configure: Configure, option: str) -> None:
    value = " x.pem" if option.endswith("-file") else ""
    program = program_of(option)
    assert configure(f"-a 10.0.0.5 {option}{value}", program) == 1
    assert configure.complained == f"{program.name}: {option} is refused: {options.REFUSED[option]}.\n"
    assert not configure.path.exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-a %%HSM_IP_ADDRESS%%", "'%%HSM_IP_ADDRESS%%' is no address of an HSM"),
        ("-a 10.0.0.5:0", "has no port"),
        ("-a 10.0.0.5:65536", "has no port"),
        ("-a 10.0.0.5:x", "has no port"),
        ("-a 10.0.0.5 --hsm-ca-cert /no/such", "The trust anchor /no/such cannot be read: No such file"),
        ("-a 10.0.0.5 --hsm-ca-cert /etc/hostname", "is not a certificate in PEM"),
        ("--hsm-ca-cert ANCHOR", "No HSM is configured: give addresses with -a"),
        ("--region eu-west-1", "give its --cluster-id too"),
        ("--log-type file", "give --log-file too"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    configure: Configure, tmp_path: Path, line: str, message: str
) -> None:
    if "ANCHOR" in line:
        line = line.replace("ANCHOR", str(anchor(tmp_path / "ca.crt")))
    assert configure(line) == 1
    assert configure.complained.startswith("configure-pkcs11: ")
    assert message in configure.complained
    assert not configure.path.exists()


def test_a_short_rsa_key_makes_no_trust_anchor(configure: Configure, tmp_path: Path) -> None:
    ca = anchor(tmp_path / "ca.crt", 1024)
    assert configure(f"-a 10.0.0.5 --hsm-ca-cert {ca}") == 1
    assert "1024 bits; it needs 2048 or 4096" in configure.complained


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--log-level loud",
        "--log-rotation weekly",
        "--default-retry-mode fast",
        "-a",
        "--nonsense",
        "add-cluster -a 10.0.0.5",
        "remove-cluster",
        "--enable-certificate-storage",
    ],
)
def test_a_wrong_command_line_is_refused_by_name(configure: Configure, line: str) -> None:
    assert configure(line, main.CLI) == 2
    assert configure.complained.startswith("usage: configure-cli")
    assert not configure.path.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"clusters": 1}', '{"clusters": [{}]}', "\xff"])
def test_a_file_that_is_no_configuration_is_left_alone(configure: Configure, content: str) -> None:
    configure.path.write_bytes(content.encode("latin-1"))
    assert configure("-a 10.0.0.5") == 1
    assert configure.path.read_bytes() == content.encode("latin-1")


def test_without_config_the_file_is_the_one_that_the_client_reads(configure: Configure, tmp_path: Path) -> None:
    configure.environment = {"HOME": str(tmp_path)}
    assert configure("-a 10.0.0.5", config=False) == 0
    assert (tmp_path / ".config/strongroom/client.json").exists()
    configure.environment = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "HOME": "/nowhere"}
    assert configure("-a 10.0.0.5", config=False) == 0
    assert (tmp_path / "xdg/strongroom/client.json").exists()
    configure.environment["STRONGROOM_CONFIG"] = str(tmp_path / "named.json")
    assert configure("-a 10.0.0.5", config=False) == 0
    assert (tmp_path / "named.json").exists()


def test_where_it_cannot_be_written_it_says_so(configure: Configure) -> None:
    configure.path = Path("/proc/client.json")
    assert configure("-a 10.0.0.5") == 1
    assert "The configuration file /proc/client.json cannot be written" in configure.complained


@pytest.mark.parametrize("program", [main.CLI, main.PKCS11, main.OPENSSL_PROVIDER, main.DYN, main.JCE, main.KSP])
def test_help_names_every_option_with_what_it_does(configure: Configure, program: options.Program) -> None:
    assert configure("--help", program) == 0
    for option in ("-a", "--hsm-ca-cert", "--log-level", "--default-retry-mode", "add-cluster", "without effect here"):
        assert option in configure.told
    assert ("--enable-certificate-storage" in configure.told) is (program not in (main.CLI, main.KSP))
    assert ("--enable-sdk3-compatibility-mode" in configure.told) is (program is main.KSP)


def test_only_java_has_options_about_keys_in_clear(configure: Configure) -> None:
    assert configure("-a 10.0.0.5", main.JCE) == 0
    assert "libstrongroom_pkcs11.so" in configure.told
    assert configure("-a 10.0.0.6 --enable-clear-key-extraction-in-software", main.PKCS11) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.5", ("10.0.0.5", 2223)),
        ("hsm.example.com:2225", ("hsm.example.com", 2225)),
        ("fd00::5", ("fd00::5", 2223)),
    ],
)
def test_addresses_may_have_a_port(text: str, found: tuple[str, int]) -> None:
    assert addresses.parse(text) == found
