"""What a new key gets when its command does not say otherwise, and the options of the commands that make keys.

The CLI's defaults (aws-cloudhsm 5.2) are sent explicitly, because an HSM applies those of PKCS #11 (6.4). Attributes
that a kind of key cannot have are not sent.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from strongroom.cli.cloudhsm.click_types import Decorated, ManyValues, options
from strongroom.client.messages import KeyQuorum, Template
from strongroom.vocabulary.attributes import Attribute

SESSION = click.option("--session", is_flag=True, help="Make a key that lives until logout.")
ATTRIBUTES = click.option(
    "--attributes", cls=ManyValues, metavar="NAME=VALUE…", help="Attributes of the key, as in encrypt=true."
)


def share_option(what: str) -> Callable[[Decorated], Decorated]:
    """``--share-crypto-users``, which takes effect together with the key."""
    return click.option(
        "--share-crypto-users", cls=ManyValues, metavar="USERNAME…", help=f"Crypto-users to share the {what} with."
    )


def quorum_options(kind: str, what: str) -> Callable[[Decorated], Decorated]:
    """The quorum values of a new key: both or none, and for good."""
    values = click.IntRange(0)
    return options(
        click.option(
            f"--manage-{kind}-quorum-value",
            "manage_value",
            type=values,
            help=f"How many must approve wrapping, sharing and changing the {what}.",
        ),
        click.option(
            f"--use-{kind}-quorum-value",
            "use_value",
            type=values,
            help=f"How many must approve signing with the {what}.",
        ),
    )


def quorum(manage: int | None, use: int | None) -> KeyQuorum | None:
    """From the values of :func:`quorum_options`; the HSM says which may be."""
    if manage is None and use is None:
        return None
    return KeyQuorum(manage or 0, use or 0)


SECRET_OPTIONS = options(
    click.option("--label", required=True, help="Label of the key."),
    click.option("--key-length-bytes", required=True, type=int, help="Length of the key in bytes."),
    SESSION,
    ATTRIBUTES,
    share_option("key"),
    quorum_options("key", "key"),
)
PAIR_OPTIONS = options(
    click.option("--public-label", required=True, help="Label of the public key."),
    click.option("--private-label", required=True, help="Label of the private key."),
    SESSION,
    click.option("--public-attributes", cls=ManyValues, metavar="NAME=VALUE…", help="As in verify=true."),
    click.option("--private-attributes", cls=ManyValues, metavar="NAME=VALUE…", help="As in sign=true."),
    share_option("private key"),
    quorum_options("private-key", "private key"),
)


def secret_defaults(label: str, *, token: bool) -> Template:
    """For AES keys and generic secrets."""
    return {
        **_common(label, token),
        Attribute.SENSITIVE.value: True,
        Attribute.EXTRACTABLE.value: True,
        Attribute.SIGN.value: True,
        Attribute.VERIFY.value: True,
        Attribute.DERIVE.value: False,
        Attribute.WRAP_WITH_TRUSTED.value: False,
    }


def public_defaults(label: str, *, token: bool) -> Template:
    """For public keys of all kinds."""
    return {**_common(label, token), Attribute.VERIFY.value: False}


def private_defaults(label: str, *, token: bool) -> Template:
    """For private keys of all kinds."""
    return {
        **_common(label, token),
        Attribute.SENSITIVE.value: True,
        Attribute.EXTRACTABLE.value: True,
        Attribute.SIGN.value: False,
        Attribute.DERIVE.value: False,
        Attribute.WRAP_WITH_TRUSTED.value: False,
    }


def _common(label: str, token: bool) -> Template:
    return {
        Attribute.TOKEN.value: token,
        Attribute.PRIVATE.value: True,
        Attribute.LABEL.value: label,
        Attribute.MODIFIABLE.value: True,
        Attribute.DESTROYABLE.value: True,
    }
