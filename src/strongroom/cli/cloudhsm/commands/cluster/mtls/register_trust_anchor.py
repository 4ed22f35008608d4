"""``cluster mtls register-trust-anchor`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from pathlib import Path

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.cli.cloudhsm.trust_anchors import shown

_TOO_LONG = 1 << 20


@command("register-trust-anchor", examples=["cluster mtls register-trust-anchor --path root-ca.crt"])
@click.option("--path", required=True, metavar="PATH", help="PEM file with the certificate.")
@quorum_file.APPROVAL
def register_trust_anchor(program: Program, path: str, approval_path: str | None) -> Data:
    """Let in clients whose certificates were signed by this one; admins only."""
    try:
        with Path(path).open(encoding="ascii") as file:
            certificate = file.read(_TOO_LONG)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path} is not PEM: convert it with `openssl x509 -inform DER -in {path} -out anchor.pem`."
        ) from error
    approval = quorum_file.approval(approval_path)
    return {"trust_anchor": shown(program.session().mutual_tls.register(certificate, approval=approval))}
