"""The file provider of the root key."""

import os
import stat

import pytest

from strongroom.unseal import ROOT_KEY_BYTES, FileProvider, RootKeyError


@pytest.fixture
def provider(tmp_path):
    provider = FileProvider(tmp_path / "root.key")
    provider.create()
    return provider


def test_a_new_root_key_is_random_and_for_its_owner_alone(tmp_path, provider):
    other = FileProvider(tmp_path / "other.key")
    other.create()
    assert stat.S_IMODE(provider.path.stat().st_mode) == 0o600
    assert len(provider.path.read_bytes()) == ROOT_KEY_BYTES
    assert provider.path.read_bytes() != other.path.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.key", "root.key"]


def test_a_root_key_is_never_overwritten(provider):
    before = provider.path.read_bytes()
    with pytest.raises(RootKeyError, match="never overwritten"):
        provider.create()
    assert provider.path.read_bytes() == before


def test_open_gives_a_descriptor_that_is_not_inherited(provider):
    descriptor = provider.open()
    try:
        assert not os.get_inheritable(descriptor)
        assert os.read(descriptor, 64) == provider.path.read_bytes()
    finally:
        os.close(descriptor)


def test_a_root_key_that_others_can_read_is_refused(provider):
    provider.path.chmod(0o640)
    with pytest.raises(RootKeyError, match="chmod 600"):
        provider.open()


def test_a_root_key_of_another_size_is_refused(provider):
    provider.path.write_bytes(b"short")
    with pytest.raises(RootKeyError, match="5 bytes where 32"):
        provider.open()


def test_a_missing_root_key_is_named(tmp_path):
    with pytest.raises(RootKeyError, match=r"nothing\.key is missing"):
        FileProvider(tmp_path / "nothing.key").open()


def test_a_symbolic_link_is_not_followed(tmp_path, provider):
    link = tmp_path / "link.key"
    link.symlink_to(provider.path)
    with pytest.raises(RootKeyError, match="cannot be opened"):
        FileProvider(link).open()
