"""``key``: keys and their attributes."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.key import (
    generate_asymmetric_pair,
    generate_symmetric,
    import_,
    unwrap,
    wrap,
)
from strongroom.cli.cloudhsm.commands.key.delete import delete
from strongroom.cli.cloudhsm.commands.key.export_public import export_public
from strongroom.cli.cloudhsm.commands.key.generate_file import generate_file
from strongroom.cli.cloudhsm.commands.key.list import list_keys
from strongroom.cli.cloudhsm.commands.key.replicate import replicate
from strongroom.cli.cloudhsm.commands.key.set_attribute import set_attribute
from strongroom.cli.cloudhsm.commands.key.share import share
from strongroom.cli.cloudhsm.commands.key.unshare import unshare

GROUP = Group(
    "key",
    "Make, list, change, share and delete keys, take them in and give them out.",
    [
        delete,
        export_public,
        generate_asymmetric_pair.GROUP,
        generate_file,
        generate_symmetric.GROUP,
        import_.GROUP,
        list_keys,
        replicate,
        set_attribute,
        share,
        unshare,
        unwrap.GROUP,
        wrap.GROUP,
    ],
)
