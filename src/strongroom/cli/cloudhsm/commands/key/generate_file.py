"""``key generate-file`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import filters, key_files
from strongroom.cli.cloudhsm.byte_values import write_file
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program

_WINDOWS = "ksp-key-reference"
_ENCODINGS = ("reference-pem", "pem", "cloudhsm-reference-pem", _WINDOWS)


@command(
    "generate-file",
    examples=[
        "key generate-file --encoding pem --path public.pem --filter attr.label=p1",
        "key generate-file --encoding reference-pem --path server.key --filter attr.label=k1",
    ],
)
@click.option(
    "--encoding",
    required=True,
    type=click.Choice(_ENCODINGS),
    help="pem: a public key; reference-pem: a file that refers to a private key, for OpenSSL's pkcs11-provider.",
)
@click.option("--path", required=True, metavar="PATH", help="File to write.")
@click.option("--filter", "terms", cls=ManyValues, required=True, metavar="TERM…", help="The key.")
def generate_file(program: Program, encoding: str, path: str, terms: tuple[str, ...]) -> Data:
    """Write a file with a public key, or one that refers to a private key, which stays in the HSM."""
    if encoding == _WINDOWS:
        raise CommandError(
            f"{_WINDOWS} is for the key storage provider on Windows, which there is none of; other programs use keys "
            "through PKCS #11, and OpenSSL's pkcs11-provider reads what --encoding reference-pem writes."
        )
    wanted = filters.parse(terms)
    session = program.session()
    key = filters.one(session, wanted)
    content = key_files.public_pem(key) if encoding == "pem" else key_files.reference_pem(session, key)
    write_file("path", path, content)
    return {"message": "Successfully generated key file"}
