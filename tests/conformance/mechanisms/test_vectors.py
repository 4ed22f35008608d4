"""NIST's and Wycheproof's vectors through the library (ADR 0016). The counts are printed at the end, file by file."""

from __future__ import annotations

import functools
from fnmatch import fnmatch

import pytest
from vector_files import nist_files, wycheproof_files
from vector_run import Family, run
from vectors_aes import (
    nist_blocks,
    nist_counter,
    nist_gcm,
    nist_key_wrap,
    wycheproof_cbc,
    wycheproof_gcm,
    wycheproof_key_wrap,
)
from vectors_aes_modes import nist_ccm, nist_xts, wycheproof_ccm, wycheproof_gmac, wycheproof_xts
from vectors_curves import (
    nist_ecdsa,
    nist_ed25519,
    nist_key_pairs,
    nist_public_keys,
    rfc_x25519,
    wycheproof_ecdsa,
    wycheproof_ed25519,
    wycheproof_x25519,
)
from vectors_derivation import (
    nist_agreement,
    nist_counter_kdf,
    rfc_hkdf,
    rfc_pbkdf2,
    wycheproof_ecdh,
    wycheproof_hkdf,
    wycheproof_pbkdf2,
)
from vectors_des3 import nist_des3
from vectors_macs_and_digests import nist_cmac, nist_digests, rfc_hmac, wycheproof_macs
from vectors_post_quantum import (
    kat_hash_ml_dsa,
    nist_ml_dsa,
    nist_ml_kem,
    wycheproof_ml_dsa_keys,
    wycheproof_ml_dsa_signatures,
    wycheproof_ml_kem_ciphertexts,
    wycheproof_ml_kem_keys,
)
from vectors_rsa import (
    nist_signatures,
    pkcs1_examples,
    wycheproof_decryption,
    wycheproof_oaep,
    wycheproof_pkcs1,
    wycheproof_pss,
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]
FAMILIES = [
    nist_blocks,
    nist_counter,
    nist_gcm,
    nist_key_wrap,
    wycheproof_cbc,
    wycheproof_gcm,
    wycheproof_key_wrap,
    nist_ccm,
    nist_xts,
    wycheproof_ccm,
    wycheproof_gmac,
    wycheproof_xts,
    nist_des3,
    nist_cmac,
    nist_digests,
    rfc_hmac,
    wycheproof_macs,
    nist_signatures,
    pkcs1_examples,
    wycheproof_pkcs1,
    wycheproof_pss,
    wycheproof_oaep,
    wycheproof_decryption,
    nist_public_keys,
    nist_key_pairs,
    nist_ecdsa,
    wycheproof_ecdsa,
    nist_ed25519,
    wycheproof_ed25519,
    rfc_x25519,
    wycheproof_x25519,
    nist_agreement,
    nist_counter_kdf,
    rfc_hkdf,
    wycheproof_ecdh,
    wycheproof_hkdf,
    rfc_pbkdf2,
    wycheproof_pbkdf2,
    nist_ml_dsa,
    kat_hash_ml_dsa,
    wycheproof_ml_dsa_signatures,
    wycheproof_ml_dsa_keys,
    nist_ml_kem,
    wycheproof_ml_kem_keys,
    wycheproof_ml_kem_ciphertexts,
]
NO_MECHANISM = "no such mechanism here"
NOT_TAKEN = {
    "wycheproof": {
        "*siv*": NO_MECHANISM,
        "*gcm_siv*": NO_MECHANISM,
        "a*cbc_hs*": NO_MECHANISM,
        "aegis*": NO_MECHANISM,
        "aes_eax": NO_MECHANISM,
        "aes_ff1_*": NO_MECHANISM,
        "aria_*": NO_MECHANISM,
        "ascon*": NO_MECHANISM,
        "c2sp_*": NO_MECHANISM,
        "camellia_*": NO_MECHANISM,
        "*chacha20_*": NO_MECHANISM,
        "dsa_*": NO_MECHANISM,
        "ec_prime_order_curves": "domain parameters: the HSM has named curves only",
        "ed448": NO_MECHANISM,
        "hmac_sha512_*": NO_MECHANISM,
        "hmac_sm3": NO_MECHANISM,
        "kmac*": NO_MECHANISM,
        "morus*": NO_MECHANISM,
        "pbes2_*": NO_MECHANISM,
        "primality": "no function of PKCS #11 tests for primes",
        "seed_*": NO_MECHANISM,
        "siphash*": NO_MECHANISM,
        "sm4_*": NO_MECHANISM,
        "vmac_*": NO_MECHANISM,
        "x448": NO_MECHANISM,
    },
    "asymmetric": {
        "*/[!ER]*": "other algorithms, and keys in files",
        "*/Ed448/*": NO_MECHANISM,
        "*.der": "keys in files",
        "*.pem": "keys in files",
        "*/brainpool.txt": NO_MECHANISM,
        "*/Readme.txt": "text",
        "*/readme.txt": "text",
        "*/RFC6979/*": "deterministic signatures: the HSM's are not",
        "*/ECDSA/*/SigGen.rsp": "messages of which SigGen.txt has the signatures",
        "*/RSA/FIPS_186-2/*.txt": "the signatures of the .rsp of the same name, with how they were made",
        "*/RSA/FIPS_186-2/Sig*RSA*": "signatures of ANSI X9.31",
        "*/RSA/FIPS_186-2/KeyGenRSA.rsp": "primes made from seeds",
        "*/RSA/SigVer15EMTest.txt": "the wrong paddings of Wycheproof's files again, with more text",
        "*-int.txt": "how the examples were made",
        "*/oaep-label.txt": "one ciphertext with a label: Wycheproof has many",
    },
    "ciphers/AES": {f"*/{mode}/*": NO_MECHANISM for mode in ("CFB", "GCM-SIV", "OCB3", "OFB", "SIV")}
    | {"*/CCM/*.txt": "the vectors of the .rsp of the same name, with why they fail; and text"},
    "ciphers/3DES": {f"*/{mode}/*": NO_MECHANISM for mode in ("CFB", "OFB")} | {"*/TCBCI*": NO_MECHANISM},
    "hashes": {
        "*Monte*": "a hundred thousand digests, each of the last",
        "*/SHA2/SHA512_*": NO_MECHANISM,
        "*/SHAKE/*": NO_MECHANISM,
        "*/[!S]*": NO_MECHANISM,
        "*/SM3/*": NO_MECHANISM,
        "*/Readme.txt": "text",
    },
    "HMAC": {"*md5*": NO_MECHANISM, "*ripemd*": NO_MECHANISM},
    "CMAC": {},
    "KDF": {
        "*/argon2*": NO_MECHANISM,
        "*/scrypt*": NO_MECHANISM,
        "*/ansx963_2001.txt": "the shared secret is given there and never in the clear here (see test_derivation.py)",
    },
    "keywrap": {
        "*/TKW_*": "key wrap with triple DES: no such mechanism here",
        "*/kwp_botan.txt": "key wrap of keys under 16 bytes again",
        "*/Readme.txt": "text",
    },
}
"""Why files are not taken: by folder of the package, or of Wycheproof, and pattern."""


@functools.cache
def vectors_of(family: Family) -> list:
    return list(family())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_the_hsm_does_what_the_vectors_say(library, family):
    run(library.module, library.pins[0], vectors_of(family))


@pytest.mark.parametrize("folder", NOT_TAKEN)
def test_every_file_is_taken_or_says_why_not(folder):
    taken = {vector.file.removeprefix("wycheproof ") for family in FAMILIES for vector in vectors_of(family)}
    files = wycheproof_files() if folder == "wycheproof" else nist_files(folder, "*.*")
    left = [file for file in files if file not in taken and not any(fnmatch(file, each) for each in NOT_TAKEN[folder])]
    assert left == []
    used = {each for each in NOT_TAKEN[folder] for file in files if file not in taken and fnmatch(file, each)}
    assert used == set(NOT_TAKEN[folder])
