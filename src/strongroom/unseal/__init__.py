"""Root-key providers: where the 32 bytes come from that open an installation.

A provider hands out a descriptor, never bytes: the boundary reads it in Rust, so the root key stays off Python's heap.
Refuses a key that others can read.
"""

from strongroom.unseal.file import FileProvider
from strongroom.unseal.provider import ROOT_KEY_BYTES, RootKeyError, RootKeyProvider

__all__ = ["ROOT_KEY_BYTES", "FileProvider", "RootKeyError", "RootKeyProvider"]
