"""What the native library was built with."""

from __future__ import annotations

from pathlib import Path

import strongroom


def test_the_noise_source_is_built_in():
    """AWS-LC can be built without CPU jitter; its health tests would be missing then (docs/reference/randomness.md)."""
    (library,) = Path(strongroom.__file__).parent.glob("_native*.so")
    symbols = library.read_bytes()
    assert b"jent_read_entropy" in symbols
    assert b"tree_jitter_get_seed" in symbols
