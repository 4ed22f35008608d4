"""``key export-public``, which AWS does not have: the public key of either half of a pair."""

from __future__ import annotations

import base64

import click

from strongroom.cli.cloudhsm import filters, key_objects, public_keys
from strongroom.cli.cloudhsm.byte_values import write_file
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command(
    "export-public",
    examples=[
        "key export-public --filter attr.label=k1 attr.class=private-key --path public.pem",
        "key export-public --filter key-reference=0x540011 --encoding openssh",
    ],
)
@click.option("--filter", "terms", cls=ManyValues, required=True, metavar="TERM…", help="Either half of a key pair.")
@click.option(
    "--encoding",
    type=click.Choice(public_keys.ENCODINGS),
    default="pem",
    show_default=True,
    help="SubjectPublicKeyInfo in PEM or DER, or a line for OpenSSH.",
)
@click.option("--path", metavar="PATH", help="File to write it to; else it is in the answer, DER in base64.")
def export_public(program: Program, terms: tuple[str, ...], encoding: str, path: str | None) -> Data:
    """Give out a public key, for verifying and encrypting elsewhere."""
    wanted = filters.parse(terms)
    key = filters.one(program.session(), wanted)
    content = public_keys.encode(key, encoding)
    if path is not None:
        write_file("path", path, content)
        return {"key-reference": key_objects.reference(key), "message": "Successfully exported public key"}
    text = base64.b64encode(content).decode() if encoding == "der" else content.decode()
    return {"key-reference": key_objects.reference(key), "public-key": text}
