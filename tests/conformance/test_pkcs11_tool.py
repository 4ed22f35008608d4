"""OpenSC's ``pkcs11-tool`` works with the PKCS #11 library; OpenSSL (by pyca/cryptography) agrees with the results."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key
from programs import Workshop

pytestmark = pytest.mark.cluster

KEY_TYPES = {
    "EC:secp224r1": ("secp224r1", 224),
    "EC:prime256v1": ("secp256r1", 256),
    "EC:secp384r1": ("secp384r1", 384),
    "EC:secp521r1": ("secp521r1", 521),
    "EC:secp256k1": ("secp256k1", 256),
    "RSA:2048": ("rsa", 2048),
    "RSA:3072": ("rsa", 3072),
    "RSA:4096": ("rsa", 4096),
}
CURVES = {
    bytes.fromhex("06052b81040021"): ec.SECP224R1(),
    bytes.fromhex("06082a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("06052b81040022"): ec.SECP384R1(),
    bytes.fromhex("06052b81040023"): ec.SECP521R1(),
    bytes.fromhex("06052b8104000a"): ec.SECP256K1(),
}
DATA = b"What pkcs11-tool signs, OpenSSL verifies.\n"
DIGESTS = {
    "SHA1": hashes.SHA1(),
    "SHA224": hashes.SHA224(),
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


@dataclass(frozen=True)
class Tool:
    """pkcs11-tool with the module and the login of a workshop."""

    workshop: Workshop

    def __call__(self, *arguments: str, status: int = 0) -> str:
        return self.without_login("--login", "--pin", "env:CLOUDHSM_PIN", *arguments, status=status)

    def without_login(self, *arguments: str, status: int = 0) -> str:
        return self.workshop.run("pkcs11-tool", "--module", self.workshop.module, *arguments, status=status)

    def transform(self, *arguments: str, data: bytes) -> bytes:
        """Run a command on a file of its own and give the bytes of the file that it writes."""
        source, target = self.workshop.path(secrets.token_hex(4)), self.workshop.path(secrets.token_hex(4))
        source.write_bytes(data)
        self(*arguments, "--input-file", str(source), "--output-file", str(target))
        return target.read_bytes()

    def public_key(self, key_id: str) -> PublicKeyTypes:
        listed = self("--list-objects", "--type", "pubkey").split("Public Key Object;")
        (shown,) = [one for one in listed if key_id in one]
        if "EC_PARAMS" in shown:
            # pkcs11-tool 0.23 cannot write a public key on P-384, with any module.
            point, curve = (bytes.fromhex(shown.split(f"{name}:")[1].split()[0]) for name in ("EC_POINT", "EC_PARAMS"))
            encoded = point[3:] if point[1] == 0x81 else point[2:]
            return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve], encoded)
        file = self.workshop.path(f"{key_id}.der")
        self("--read-object", "--type", "pubkey", "--id", key_id, "--output-file", str(file))
        return load_der_public_key(file.read_bytes())


@pytest.fixture(scope="module")
def tool(workshop: Workshop) -> Tool:
    return Tool(workshop)


@pytest.fixture(scope="module")
def ec_key(tool: Tool) -> Iterator[str]:
    yield from key_pair(tool, "EC:prime256v1", "--usage-sign")


@pytest.fixture(scope="module")
def rsa_key(tool: Tool) -> Iterator[str]:
    yield from key_pair(tool, "RSA:2048", "--usage-sign", "--usage-decrypt")


@pytest.fixture(scope="module")
def aes_key(tool: Tool) -> Iterator[str]:
    key_id = secrets.token_hex(4)
    tool(
        "--keygen", "--key-type", "AES:32", "--id", key_id, "--label", f"tool-{key_id}", "--usage-decrypt", "--private"
    )
    yield key_id
    tool("--delete-object", "--type", "secrkey", "--id", key_id)


def key_pair(tool: Tool, key_type: str, *usages: str) -> Iterator[str]:
    """The id of a new key pair, which is deleted afterwards."""
    key_id = secrets.token_hex(4)
    tool("--keypairgen", "--key-type", key_type, "--id", key_id, "--label", f"tool-{key_id}", *usages)
    yield key_id
    for kind in ("privkey", "pubkey"):
        tool("--delete-object", "--type", kind, "--id", key_id)


def test_there_is_one_slot_with_a_token(tool: Tool) -> None:
    listed = tool.without_login("--list-slots")
    assert listed.count("token label") == 1
    assert "token initialized, PIN initialized" in listed.replace("rng, ", "")


def test_mechanisms_are_listed(tool: Tool) -> None:
    listed = tool("--list-mechanisms")
    for name in ("ECDSA-SHA256", "SHA256-RSA-PKCS-PSS", "AES-CBC-PAD", "AES-KEY-GEN", "SHA256-HMAC"):
        assert name in listed


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_key_pair_of_each_type_is_made_listed_signs_and_is_deleted(tool: Tool, key_type: str) -> None:
    name, bits = KEY_TYPES[key_type]
    for key_id in key_pair(tool, key_type, "--usage-sign"):
        listed = tool("--list-objects", "--id", key_id)
        assert listed.count(f"tool-{key_id}") == 2
        assert "sign" in listed
        public = tool.public_key(key_id)
        if isinstance(public, rsa.RSAPublicKey):
            assert (name, public.key_size) == ("rsa", bits)
            signature = tool.transform("--sign", "--id", key_id, "--mechanism", "SHA256-RSA-PKCS", data=DATA)
            public.verify(signature, DATA, padding.PKCS1v15(), hashes.SHA256())
        else:
            assert isinstance(public, ec.EllipticCurvePublicKey)
            assert (public.curve.name, public.key_size) == (name, bits)
            signature = sign_ecdsa(tool, key_id, "ECDSA-SHA256", DATA)
            public.verify(signature, DATA, ec.ECDSA(hashes.SHA256()))
    assert f"tool-{key_id}" not in tool("--list-objects")


def test_an_ed25519_key_signs(ephemeral_non_fips: Mapping[str, str], tmp_path: Path) -> None:
    tool = Tool(Workshop(ephemeral_non_fips, tmp_path))
    for key_id in key_pair(tool, "EC:edwards25519", "--usage-sign"):
        point = read_ed25519_point(tool, key_id)
        signature = tool.transform("--sign", "--id", key_id, "--mechanism", "EDDSA", data=DATA)
        ed25519.Ed25519PublicKey.from_public_bytes(point).verify(signature, DATA)


@pytest.mark.parametrize("digest", DIGESTS)
def test_ecdsa_with_each_digest_verifies(tool: Tool, ec_key: str, digest: str) -> None:
    public = tool.public_key(ec_key)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signature = sign_ecdsa(tool, ec_key, f"ECDSA-{digest}", DATA)
    public.verify(signature, DATA, ec.ECDSA(DIGESTS[digest]))
    with pytest.raises(InvalidSignature):
        public.verify(signature, DATA + b"!", ec.ECDSA(DIGESTS[digest]))


def test_plain_ecdsa_signs_a_digest(tool: Tool, ec_key: str) -> None:
    public = tool.public_key(ec_key)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signature = sign_ecdsa(tool, ec_key, "ECDSA", digest_of(DATA))
    public.verify(signature, DATA, ec.ECDSA(hashes.SHA256()))


def test_plain_rsa_pkcs_signs_a_digest_info(tool: Tool, rsa_key: str) -> None:
    public = tool.public_key(rsa_key)
    assert isinstance(public, rsa.RSAPublicKey)
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420") + digest_of(DATA)
    signature = tool.transform("--sign", "--id", rsa_key, "--mechanism", "RSA-PKCS", data=digest_info)
    public.verify(signature, DATA, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("digest", DIGESTS)
def test_rsa_pkcs1_with_each_digest_verifies(tool: Tool, rsa_key: str, digest: str) -> None:
    public = tool.public_key(rsa_key)
    assert isinstance(public, rsa.RSAPublicKey)
    signature = tool.transform("--sign", "--id", rsa_key, "--mechanism", f"{digest}-RSA-PKCS", data=DATA)
    public.verify(signature, DATA, padding.PKCS1v15(), DIGESTS[digest])


@pytest.mark.parametrize("digest", DIGESTS)
def test_rsa_pss_with_each_digest_verifies(tool: Tool, rsa_key: str, digest: str) -> None:
    public = tool.public_key(rsa_key)
    assert isinstance(public, rsa.RSAPublicKey)
    mechanism = ("--mechanism", f"{digest}-RSA-PKCS-PSS", "--salt-len", "20")
    signature = tool.transform("--sign", "--id", rsa_key, *mechanism, data=DATA)
    public.verify(signature, DATA, padding.PSS(padding.MGF1(DIGESTS[digest]), 20), DIGESTS[digest])


def test_plain_rsa_pss_signs_a_digest(tool: Tool, rsa_key: str) -> None:
    public = tool.public_key(rsa_key)
    assert isinstance(public, rsa.RSAPublicKey)
    mechanism = ("--mechanism", "RSA-PKCS-PSS", "--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256")
    signature = tool.transform("--sign", "--id", rsa_key, *mechanism, data=digest_of(DATA))
    public.verify(signature, DATA, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_a_signature_verifies_through_the_library_too(tool: Tool, rsa_key: str) -> None:
    signature = tool.workshop.path("verify.sig")
    signature.write_bytes(tool.transform("--sign", "--id", rsa_key, "--mechanism", "SHA256-RSA-PKCS", data=DATA))
    tool.workshop.path("verify.data").write_bytes(DATA)
    arguments = ("--verify", "--id", rsa_key, "--mechanism", "SHA256-RSA-PKCS", "--signature-file", str(signature))
    assert "Signature is valid" in tool(*arguments, "--input-file", "verify.data")
    tool.workshop.path("verify.data").write_bytes(DATA + b"!")
    assert "Invalid signature" in tool(*arguments, "--input-file", "verify.data")


@pytest.mark.parametrize(
    ("mechanism", "scheme"),
    [
        (("RSA-PKCS-OAEP", "--hash-algorithm", "SHA-1"), hashes.SHA1()),
        (("RSA-PKCS-OAEP", "--hash-algorithm", "SHA256"), hashes.SHA256()),
    ],
)
def test_what_openssl_encrypts_with_oaep_is_decrypted(
    tool: Tool, rsa_key: str, mechanism: tuple[str, ...], scheme: hashes.HashAlgorithm
) -> None:
    public = tool.public_key(rsa_key)
    assert isinstance(public, rsa.RSAPublicKey)
    ciphertext = public.encrypt(b"secret", padding.OAEP(padding.MGF1(scheme), scheme, None))
    assert tool.transform("--decrypt", "--id", rsa_key, "--mechanism", *mechanism, data=ciphertext) == b"secret"


@pytest.mark.parametrize(("mechanism", "data"), [("AES-ECB", bytes(64)), ("AES-CBC", bytes(64)), ("AES-CBC-PAD", DATA)])
def test_aes_gives_back_what_was_encrypted(tool: Tool, aes_key: str, mechanism: str, data: bytes) -> None:
    # The key cannot be read: what AES must give is tested with known keys in the PKCS #11 vectors.
    common = ("--id", aes_key, "--mechanism", mechanism, "--iv", "00112233445566778899aabbccddeeff")
    ciphertext = tool.transform("--encrypt", *common, data=data)
    assert ciphertext != data
    assert tool.transform("--decrypt", *common, data=ciphertext) == data


def test_random_bytes_differ(tool: Tool) -> None:
    outputs = set()
    for name in ("random-1", "random-2"):
        tool("--generate-random", "48", "--output-file", name)
        outputs.add(tool.workshop.path(name).read_bytes())
    assert {len(output) for output in outputs} == {48}
    assert len(outputs) == 2


def test_a_certificate_is_written_read_back_and_deleted(tool: Tool) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=tool"
    tool.workshop.run(*command.split(), "-keyout", "c.key", "-outform", "DER", "-out", "c.der")
    named = ("--type", "cert", "--id", "c0ffee")
    tool("--write-object", "c.der", "--label", "tool-certificate", *named)
    tool("--read-object", *named, "--output-file", "c.read")
    assert tool.workshop.path("c.read").read_bytes() == tool.workshop.path("c.der").read_bytes()
    tool("--delete-object", *named)
    assert "tool-certificate" not in tool("--list-objects", "--type", "cert")


def test_data_is_written_read_back_and_deleted(tool: Tool) -> None:
    content = secrets.token_bytes(3_000)  # the tool itself takes 5,000 bytes
    tool.workshop.path("d.bin").write_bytes(content)
    named = ("--type", "data", "--label", "tool-data")
    more = ("--application-label", "tool", "--application-id", "1.2.3", "--private")
    tool("--write-object", "d.bin", *named, *more)
    listed = tool("--list-objects", "--type", "data")
    assert all(text in listed for text in ("tool-data", "'tool'", "1.2.3")), listed
    tool("--read-object", *named, "--output-file", "d.read")
    assert tool.workshop.path("d.read").read_bytes() == content
    tool("--delete-object", *named)
    assert "tool-data" not in tool("--list-objects", "--type", "data")


def test_the_id_of_a_key_is_changed(tool: Tool) -> None:
    pairs = key_pair(tool, "EC:prime256v1", "--usage-sign")
    key_id = next(pairs)
    tool("--type", "privkey", "--id", key_id, "--set-id", "ab" + key_id)
    assert "ab" + key_id in tool("--list-objects", "--type", "privkey")
    tool("--type", "privkey", "--id", "ab" + key_id, "--set-id", key_id)
    assert next(pairs, None) is None


def test_a_wrong_pin_is_refused(tool: Tool) -> None:
    stranger = Tool(tool.workshop.with_wrong_pin())
    assert "CKR_PIN_INCORRECT" in stranger("--list-objects", status=1)


def test_the_tools_own_tests_pass(tool: Tool, rsa_key: str, ec_key: str) -> None:
    output = tool("--test")
    assert "No errors" in output


def test_the_tools_fork_test_passes(tool: Tool) -> None:
    assert "error" not in tool("--test-fork").lower()


def test_the_tools_thread_test_passes(tool: Tool) -> None:
    threads = [argument for _ in range(4) for argument in ("--test-threads", "ILGISLT0")]
    output = tool(*threads)
    # Each thread initialises for itself: one is the first.
    assert "CKR_" not in output.replace("CKR_OK", "").replace("CKR_CRYPTOKI_ALREADY_INITIALIZED", "")


def sign_ecdsa(tool: Tool, key_id: str, mechanism: str, data: bytes) -> bytes:
    raw = tool.transform("--sign", "--id", key_id, "--mechanism", mechanism, data=data)
    half = len(raw) // 2
    return utils.encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def read_ed25519_point(tool: Tool, key_id: str) -> bytes:
    """The point as ``--list-objects`` shows it: pkcs11-tool 0.23 cannot write the public key itself."""
    listed = tool("--list-objects", "--type", "pubkey", "--id", key_id)
    (line,) = [line for line in listed.splitlines() if "EC_POINT:" in line]
    return bytes.fromhex(line.split(":")[1].strip())[2:]


def digest_of(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()
