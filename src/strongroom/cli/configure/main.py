"""The configure programs: from a command line to a configuration file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import strongroom
from strongroom.cli.configure import addresses, document, options
from strongroom.cli.configure.errors import ConfigureError
from strongroom.cli.configure.options import Program
from strongroom.client import configuration

_AWS: Final = Path("/opt/cloudhsm/etc")
_LIBRARY_PATH: Final = _AWS / "cloudhsm-pkcs11.cfg"
CLI: Final = Program("configure-cli", "cloudhsm-cli and the Python SDK", _AWS / "cloudhsm-cli.cfg")
PKCS11: Final = Program("configure-pkcs11", "the PKCS #11 library", _LIBRARY_PATH, uses_the_library=True)
OPENSSL_PROVIDER: Final = Program(
    "configure-openssl-provider",
    "the PKCS #11 library, through which OpenSSL's pkcs11-provider reaches HSMs",
    _LIBRARY_PATH,
    uses_the_library=True,
)
DYN: Final = Program(
    "configure-dyn",
    "the PKCS #11 library, through which OpenSSL's engine pkcs11 reaches HSMs",
    _LIBRARY_PATH,
    uses_the_library=True,
)
JCE: Final = Program(
    options.JCE,
    "the PKCS #11 library, through which Java's provider SunPKCS11 reaches HSMs",
    _LIBRARY_PATH,
    uses_the_library=True,
)
KSP: Final = Program(options.KSP, "a key storage provider on Windows", _AWS / "cloudhsm-ksp.cfg")
_SMALLEST_RSA_BITS: Final = 2048

Lookup = Callable[[str, str | None, str | None, Mapping[str, str]], list[tuple[str, int]]]


def run(
    program: Program,
    words: Sequence[str],
    environment: Mapping[str, str],
    lookup: Lookup = addresses.by_cluster_id,
) -> int:
    """Do what a command line says; gives the exit status."""
    parser = options.parser(program)
    given = parser.parse_args(words)
    said = {name: value for name, value in vars(given).items() if name != "config"}
    switches = (given.disable_key_availability_check, given.sdk3_compatibility_mode)
    if not any(said.values()) and switches == (None, None):
        parser.error("say what to configure")
    try:
        path = _path(program, given.config, environment)
        found = _configured(given, document.read(path), lookup, environment)
        document.write(path, found)
    except ConfigureError as error:
        print(f"{program.name}: {error}", file=sys.stderr)
        return 1
    for option, why in options.given(given, options.WITHOUT_EFFECT):
        print(f"{option} has no effect: {why}.", file=sys.stderr)
    for anchor in _missing_anchors(found, path):
        print(f"There is no {anchor} yet: copy the certificate there that signed the cluster's CSR.", file=sys.stderr)
    print(f"Wrote {path}.")
    if program.uses_the_library:
        (package,) = strongroom.__path__
        print(f"The library is {Path(package) / 'lib' / 'libstrongroom_pkcs11.so'}.")
    return 0


def _configured(
    given: argparse.Namespace, found: dict[str, Any], lookup: Lookup, environment: Mapping[str, str]
) -> dict[str, Any]:
    for option, instead in options.given(given, options.REFUSED):
        raise ConfigureError(f"{option} is refused: {instead}.")
    if given.command == options.REMOVE:
        document.remove(found, given.cluster_id)
    elif given.command == options.ADD:
        _set_cluster(given, document.add(found, given.cluster_id), lookup, environment)
    elif given.addresses or given.cluster_id or given.hsm_ca_cert or _client_certificate(given):
        _set_cluster(given, document.only_cluster(found, given.cluster_id), lookup, environment)
    elif given.region or given.endpoint:
        raise ConfigureError("--region and --endpoint say where to look up a cluster: give its --cluster-id too.")
    _set_logging(given, found)
    if given.default_retry_mode:
        found.setdefault("options", {})["retry_mode"] = given.default_retry_mode
    if given.sdk3_compatibility_mode is not None:
        found.setdefault("options", {})["sdk3_compatibility_mode"] = given.sdk3_compatibility_mode
    disabled = given.disable_key_availability_check
    if disabled is not None:
        for entry in found["clusters"]:
            entry["cluster"].setdefault("options", {})["disable_key_availability_check"] = disabled
    return found


def _set_cluster(
    given: argparse.Namespace, settings: dict[str, Any], lookup: Lookup, environment: Mapping[str, str]
) -> None:
    if given.addresses:
        servers = [addresses.parse(text) for text in given.addresses]
        if not given.cluster_id:
            # The new addresses may be another cluster's, which the old id would keep from answering.
            settings.pop("cluster_id", None)
        document.set_servers(settings, servers)
    elif given.cluster_id:
        document.set_servers(settings, lookup(given.cluster_id, given.region, given.endpoint, environment))
    if given.cluster_id:
        settings["cluster_id"] = given.cluster_id
    if given.hsm_ca_cert:
        settings["hsm_ca_file"] = str(_trust_anchor(Path(given.hsm_ca_cert)))
    for member, path in _client_certificate(given).items():
        settings[member] = str(path)
    if not settings.get("servers"):
        raise ConfigureError("No HSM is configured: give addresses with -a, or --cluster-id.")


def _client_certificate(given: argparse.Namespace) -> dict[str, Path]:
    """The members of mutual TLS; certificate and key go together."""
    members = ("client_cert_hsm_tls_file", "client_key_hsm_tls_file")
    paths = {member: Path(getattr(given, member)) for member in members if getattr(given, member, None)}
    if len(paths) == 1:
        raise ConfigureError("Mutual TLS needs both --client-cert-hsm-tls-file and --client-key-hsm-tls-file.")
    for path in paths.values():
        if not path.is_file():
            raise ConfigureError(f"There is no file {path} for mutual TLS.")
    return {member: path.absolute() for member, path in paths.items()}


def _set_logging(given: argparse.Namespace, found: dict[str, Any]) -> None:
    said = {
        "log_type": given.log_type or ("file" if given.log_file else None),
        "log_file": given.log_file and str(Path(given.log_file).absolute()),
        "log_level": given.log_level,
        "log_interval": given.log_rotation,
    }
    changes = {name: value for name, value in said.items() if value}
    if not changes:
        return
    logging = found.setdefault("logging", {})
    logging.update(changes)
    if logging.get("log_type") == "file" and not logging.get("log_file"):
        raise ConfigureError("A log in a file needs its path: give --log-file too.")


def _trust_anchor(path: Path) -> Path:
    """A certificate that a client takes as trust anchor (aws-cloudhsm 2.1)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = certificate.public_key()
    except OSError as error:
        raise ConfigureError(f"The trust anchor {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigureError(f"The trust anchor {path} is not a certificate in PEM: {error}") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SMALLEST_RSA_BITS:
        raise ConfigureError(f"The trust anchor {path} has an RSA key of {key.key_size} bits; it needs 2048 or 4096.")
    return path.absolute()


def _missing_anchors(found: Mapping[str, Any], path: Path) -> list[Path]:
    anchors = (path.parent / str(entry["cluster"].get("hsm_ca_file", "")) for entry in found["clusters"])
    return [anchor for anchor in anchors if not anchor.is_file()]


def _path(program: Program, config: str | None, environment: Mapping[str, str]) -> Path:
    """The file that the client reads, else the user's own, which is made."""
    named = config or environment.get(configuration.VARIABLE)
    if named:
        return Path(named)
    candidates = configuration.default_paths(environment, (configuration.SYSTEM_PATHS[0], program.system_path))
    return next((candidate for candidate in candidates if candidate.exists()), candidates[0])


def _main(program: Program) -> None:
    sys.exit(run(program, sys.argv[1:], os.environ))


def cli() -> None:
    """``configure-cli``."""
    _main(CLI)


def pkcs11() -> None:
    """``configure-pkcs11``."""
    _main(PKCS11)


def openssl_provider() -> None:
    """``configure-openssl-provider``."""
    _main(OPENSSL_PROVIDER)


def dyn() -> None:
    """``configure-dyn``."""
    _main(DYN)


def jce() -> None:
    """``configure-jce``."""
    _main(JCE)


def ksp() -> None:
    """``configure-ksp``."""
    _main(KSP)
