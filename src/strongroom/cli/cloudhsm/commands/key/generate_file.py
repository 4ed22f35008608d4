"""``key generate-file`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import filters, key_files, ksp_key_references
from strongroom.cli.cloudhsm.byte_values import write_file
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program

_WINDOWS = ksp_key_references.ENCODING
_ENCODINGS = ("reference-pem", "pem", "cloudhsm-reference-pem", _WINDOWS)
_DONE = "Successfully generated key file"


@command(
    "generate-file",
    examples=[
        "key generate-file --encoding pem --path public.pem --filter attr.label=p1",
        "key generate-file --encoding reference-pem --path server.key --filter attr.label=k1",
        "key generate-file --encoding ksp-key-reference --path references --all",
    ],
)
@click.option(
    "--encoding",
    required=True,
    type=click.Choice(_ENCODINGS),
    help="pem: a public key; reference-pem: a file that refers to a private key, for OpenSSL's pkcs11-provider; "
    "ksp-key-reference: one that refers to an RSA or EC private key, for programs on Windows.",
)
@click.option("--path", required=True, metavar="PATH", help="File to write; a directory for ksp-key-reference.")
@click.option("--filter", "terms", cls=ManyValues, metavar="TERM…", help="The key.")
@click.option(
    "--all", "everything", is_flag=True, help="Each private key that the user can see; ksp-key-reference only."
)
def generate_file(program: Program, encoding: str, path: str, terms: tuple[str, ...], everything: bool) -> Data:
    """Write a file with a public key, or one that refers to a private key, which stays in the HSM."""
    _check(encoding, has_filter=bool(terms), everything=everything)
    wanted = filters.parse(terms)
    if encoding == _WINDOWS:
        into = ksp_key_references.directory(path)
        session = program.session()
        if everything:
            return {"message": _DONE, **ksp_key_references.of_all(session, into)}
        return {"message": _DONE, **ksp_key_references.of_one(session, filters.one(session, wanted), into)}
    session = program.session()
    key = filters.one(session, wanted)
    content = key_files.public_pem(key) if encoding == "pem" else key_files.reference_pem(session, key)
    write_file("path", path, content)
    return {"message": _DONE}


def _check(encoding: str, *, has_filter: bool, everything: bool) -> None:
    """Refuse options that do not go together."""
    context = click.get_current_context()
    if everything and encoding != _WINDOWS:
        raise click.UsageError(f"--all is for --encoding {_WINDOWS} only; say with --filter which key it is.", context)
    if everything and has_filter:
        raise click.UsageError("--filter says which key, --all takes each private key: give one of them.", context)
    if not everything and not has_filter:
        raise click.UsageError("Missing option '--filter'.", context)
