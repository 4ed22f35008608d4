"""The options of AWS's configure programs (aws-cloudhsm 4.4): what changes the file, changes nothing, is refused.

``argparse``, because ``-a`` takes addresses up to the next option.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ADD, REMOVE = "add-cluster", "remove-cluster"
JCE: Final = "configure-jce"
KSP: Final = "configure-ksp"
LOG_TYPES: Final = ("term", "file")
LOG_LEVELS: Final = ("off", "error", "warn", "info", "debug", "trace")
LOG_ROTATIONS: Final = ("never", "hourly", "daily")
RETRY_MODES: Final = ("off", "standard")

_AT_INIT: Final = "the library knows a key's usage when an operation begins, and the HSM decides when it is done"
_CERTIFICATES: Final = "certificates can always be stored"
_WEAK_HASHES: Final = "ECDSA takes a digest of any hash function, in both modes"
WITHOUT_EFFECT: Final = {
    "--enable-validate-key-at-init": _AT_INIT,
    "--disable-validate-key-at-init": _AT_INIT,
    "--enable-ecdsa-with-weak-hash-function": _WEAK_HASHES,
    "--enable-certificate-storage": _CERTIFICATES,
    "--disable-clear-key-extraction-in-software": "no key's value leaves an HSM in clear",
}
"""Options that are taken and change nothing, and why."""

_ONE_TLS: Final = (
    "there is one TLS connection, to the HSM: use --client-cert-hsm-tls-file and --client-key-hsm-tls-file"
)
REFUSED: Final = {
    "--server-client-cert-file": _ONE_TLS,
    "--server-client-key-file": _ONE_TLS,
    "--disable-certificate-storage": "certificates can always be stored: make none, or remove those that are there "
    "with C_DestroyObject",
    "--enable-clear-key-extraction-in-software": "no key's value leaves an HSM in clear: wrap the key under another",
}
"""Options that ask for something that there is not, and what to do instead."""
_FLAGS: Final = frozenset(option for option in (*WITHOUT_EFFECT, *REFUSED) if not option.endswith("-file"))
_PKCS11_ONLY: Final = frozenset({"--enable-certificate-storage", "--disable-certificate-storage"})
_JCE_ONLY: Final = frozenset(
    {"--enable-clear-key-extraction-in-software", "--disable-clear-key-extraction-in-software"}
)


@dataclass(frozen=True, slots=True)
class Program:
    """One configure program: for whom it writes, and where that one looks last."""

    name: str
    client: str
    system_path: Path
    uses_the_library: bool = False
    """Whether the client is the PKCS #11 library, or something in front of it."""


def parser(program: Program) -> argparse.ArgumentParser:
    """The command line of a program."""
    made = argparse.ArgumentParser(
        prog=program.name,
        description=f"Write the configuration file of {program.client}.",
        epilog=f"Several clusters: {program.name} {ADD} --help, {program.name} {REMOVE} --help.",
        allow_abbrev=False,
    )
    made.add_argument("--config", metavar="PATH", help="file to write; else STRONGROOM_CONFIG, else the first default")
    _add_cluster_options(made)
    logging = made.add_argument_group("logging")
    logging.add_argument("--log-type", choices=LOG_TYPES, help="standard error or a file")
    logging.add_argument("--log-file", metavar="PATH", help="file of the log")
    logging.add_argument("--log-level", choices=LOG_LEVELS, help="how much is logged")
    logging.add_argument("--log-rotation", choices=LOG_ROTATIONS, help="when a new file is begun")
    behaviour = made.add_argument_group("behaviour")
    behaviour.add_argument(
        "--default-retry-mode",
        choices=RETRY_MODES,
        help="whether a call that one HSM does not answer goes to another",
    )
    availability = behaviour.add_mutually_exclusive_group()
    availability.add_argument(
        "--enable-key-availability-check",
        action="store_false",
        default=None,
        dest="disable_key_availability_check",
        help="in profile aws token keys need two HSMs",
    )
    availability.add_argument(
        "--disable-key-availability-check",
        action="store_true",
        default=None,
        dest="disable_key_availability_check",
        help="in profile aws token keys may be made and used in a cluster of one HSM",
    )
    made.set_defaults(sdk3_compatibility_mode=None)
    if program.name == KSP:
        _add_compatibility_mode(behaviour)
    _add_others(made, program)
    commands = made.add_subparsers(dest="command", metavar=f"{{{ADD},{REMOVE}}}", prog=program.name)
    add = commands.add_parser(ADD, help="configure one more cluster", allow_abbrev=False)
    _add_cluster_options(add, needs_id=True)
    remove = commands.add_parser(REMOVE, help="take a cluster out of the file", allow_abbrev=False)
    remove.add_argument("--cluster-id", required=True, help="the cluster")
    return made


def given(options: argparse.Namespace, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Those of some options that the command line has, with what is known of them."""
    for option, text in known.items():
        if getattr(options, _member(option), None):
            yield option, text


def _add_cluster_options(made: argparse.ArgumentParser, *, needs_id: bool = False) -> None:
    group = made.add_argument_group("the cluster")
    group.add_argument(
        "-a",
        dest="addresses",
        metavar="ADDRESS[:PORT]",
        nargs="+",
        help="addresses of HSMs; the cluster tells the rest",
    )
    group.add_argument(
        "--cluster-id",
        required=needs_id,
        help="the cluster that must answer; without -a its HSMs are asked for from the control API",
    )
    group.add_argument("--region", help="region of the control API")
    group.add_argument("--endpoint", metavar="URL", help="the control API; else AWS_ENDPOINT_URL")
    group.add_argument("--hsm-ca-cert", metavar="PATH", help="the trust anchor: the certificate that signed the CSR")
    group.add_argument("--client-cert-hsm-tls-file", metavar="PATH", help="for mutual TLS: the client's certificate")
    group.add_argument("--client-key-hsm-tls-file", metavar="PATH", help="for mutual TLS: its private key")


def _add_compatibility_mode(group: argparse._ArgumentGroup) -> None:
    mode = group.add_mutually_exclusive_group()
    for word, is_on, text in (("enable", True, "finds keys by"), ("disable", False, "needs no")):
        mode.add_argument(
            f"--{word}-sdk3-compatibility-mode",
            action="store_const",
            const=is_on,
            dest="sdk3_compatibility_mode",
            help=f"the provider {text} key reference files (cloudhsm-cli key generate-file)",
        )


def _add_others(made: argparse.ArgumentParser, program: Program) -> None:
    without = made.add_argument_group("without effect here, and taken for the sake of scripts")
    refused = made.add_argument_group("refused")
    for group, options in ((without, WITHOUT_EFFECT), (refused, REFUSED)):
        for option, text in options.items():
            if option in _PKCS11_ONLY and not program.uses_the_library:
                continue
            if option in _JCE_ONLY and program.name != JCE:
                continue
            if option in _FLAGS:
                group.add_argument(option, dest=_member(option), action="store_true", help=text)
            else:
                group.add_argument(option, dest=_member(option), metavar="PATH", help=text)


def _member(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")
