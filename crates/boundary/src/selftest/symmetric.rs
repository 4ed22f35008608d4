//! Digests, MACs, AES and triple DES.

use std::sync::Arc;

use strongroom_wire::MechanismType as M;
use strongroom_wire::messages::MechanismParameters;

use super::{Answer, aes, hex};
use crate::Result;
use crate::arena::Arena;
use crate::ffi::Hash;
use crate::mechanisms::{self, Direction, KeyHandle, NO_PARAMETERS};

/// FIPS 180-4 and 202: the one-block message "abc".
pub fn sha() -> Result<Vec<Answer>> {
    let known = [
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Hash::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            Hash::Sha512,
            concat!(
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a",
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
            ),
        ),
        (Hash::Sha3224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
        (Hash::Sha3256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (
            Hash::Sha3384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        ),
        (
            Hash::Sha3512,
            concat!(
                "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e",
                "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"
            ),
        ),
    ];
    known
        .into_iter()
        .map(|(hash, digits)| Ok(Answer::new(mechanisms::digest(hash, b"abc")?.as_ref(), hex(digits))))
        .collect()
}

/// RFC 4231 section 4.3 and RFC 2202 section 3, test case 2; with SHA-3 the same key and message, by OpenSSL.
pub fn hmac() -> Result<Vec<Answer>> {
    let key = KeyHandle::secret(Arc::new(Arena::new(false).keep(b"Jefe")?));
    let known = [
        (M::Sha1Hmac, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (M::Sha224Hmac, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        (M::Sha256Hmac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            M::Sha384Hmac,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            M::Sha512Hmac,
            concat!(
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554",
                "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            ),
        ),
        (M::Sha3224Hmac, "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66"),
        (M::Sha3256Hmac, "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5"),
        (
            M::Sha3384Hmac,
            "f1101f8cbf9766fd6764d2ed61903f21ca9b18f57cf3e1a23ca13508a93243ce48c045dc007f26a21b3f5e0e9df4c20a",
        ),
        (
            M::Sha3512Hmac,
            concat!(
                "5a4bfeab6166427c7a3647b747292b8384537cdb89afb3bf5665e4c5e709350b",
                "287baec921fd7ca0ee7a0c31d022a95e1fc92ba9d77df883960275beb4e62024"
            ),
        ),
    ];
    known
        .into_iter()
        .map(|(mechanism, digits)| {
            let mac = mechanisms::sign(&key, mechanism, None, b"what do ya want for nothing?")?;
            Ok(Answer::new(mac, hex(digits)))
        })
        .collect()
}

/// FIPS 197 appendix C.
pub fn aes_ecb() -> Result<Vec<Answer>> {
    let plaintext = hex("00112233445566778899aabbccddeeff");
    let key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let known = [
        (16, "69c4e0d86a7b0430d8cdb78070b4c55a"),
        (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
        (32, "8ea2b7ca516745bfeafc49904b496089"),
    ];
    let mut answers = Vec::new();
    for (length, digits) in known {
        let key = aes(&key[..length])?;
        answers.extend(both_ways(&key, M::AesEcb, None, &plaintext, &hex(digits))?);
    }
    Ok(answers)
}

/// SP 800-38A appendix F.2.1, first block.
pub fn aes_cbc() -> Result<Vec<Answer>> {
    let parameters =
        MechanismParameters { iv: Some(hex("000102030405060708090a0b0c0d0e0f")), ..NO_PARAMETERS };
    let plaintext = hex("6bc1bee22e409f96e93d7e117393172a");
    both_ways(
        &sp_800_38a_key()?,
        M::AesCbc,
        Some(&parameters),
        &plaintext,
        &hex("7649abac8119b246cee98e9b12e9197d"),
    )
}

/// SP 800-38A appendix F.5.1, first block.
pub fn aes_ctr() -> Result<Vec<Answer>> {
    let parameters = MechanismParameters {
        iv: Some(hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")),
        counter_bits: Some(128),
        ..NO_PARAMETERS
    };
    let plaintext = hex("6bc1bee22e409f96e93d7e117393172a");
    both_ways(
        &sp_800_38a_key()?,
        M::AesCtr,
        Some(&parameters),
        &plaintext,
        &hex("874d6191b620e3261bef6864990db6ce"),
    )
}

/// The GCM specification's test case 4 both ways, and an encryption of our own, whose IV is random, decrypted.
pub fn aes_gcm() -> Result<Vec<Answer>> {
    let key = aes(&hex("feffe9928665731c6d6a8f9467308308"))?;
    let plaintext = hex(concat!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525",
        "b16aedf5aa0de657ba637b39"
    ));
    let ciphertext = hex(concat!(
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05",
        "1ba30b396a0aac973d58e091",
        "5bc94fbc3221a5db94fae95ae7121a47"
    ));
    let mut parameters = MechanismParameters {
        iv: Some(hex("cafebabefacedbaddecaf888")),
        aad: Some(hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")),
        tag_bits: Some(128),
        ..NO_PARAMETERS
    };
    let opened = mechanisms::crypt(&key, Direction::Decrypt, M::AesGcm, Some(&parameters), &ciphertext)?.data;
    let known = mechanisms::crypt(&key, Direction::Encrypt, M::AesGcm, Some(&parameters), &plaintext)?.data;
    parameters.iv = None;
    let sealed = mechanisms::crypt(&key, Direction::Encrypt, M::AesGcm, Some(&parameters), &plaintext)?;
    parameters.iv = sealed.iv;
    let back = mechanisms::crypt(&key, Direction::Decrypt, M::AesGcm, Some(&parameters), &sealed.data)?.data;
    Ok(vec![
        Answer::new(opened, plaintext.clone()),
        Answer::new(known, ciphertext),
        Answer::new(back, plaintext),
    ])
}

/// SP 800-38B appendix D.1, example 2.
pub fn aes_cmac() -> Result<Vec<Answer>> {
    let mac =
        mechanisms::sign(&sp_800_38a_key()?, M::AesCmac, None, &hex("6bc1bee22e409f96e93d7e117393172a"))?;
    Ok(vec![Answer::new(mac, hex("070a16b46b4d4144f79bdd9dd04a287c"))])
}

/// SP 800-38B appendix D.4, example 3.
pub fn des3_cmac() -> Result<Vec<Answer>> {
    let key = hex("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5");
    let key = KeyHandle::Des3(Arc::new(Arena::new(false).keep(&key)?));
    let data = hex("6bc1bee22e409f96e93d7e117393172aae2d8a57");
    let mac = mechanisms::sign(&key, M::Des3Cmac, None, &data)?;
    Ok(vec![Answer::new(mac, hex("743ddbe0ce2dc2ed"))])
}

/// RFC 3394 section 4.1 and RFC 5649 section 6.
pub fn aes_key_wrap() -> Result<Vec<Answer>> {
    let plain = aes(&hex("000102030405060708090a0b0c0d0e0f"))?;
    let padded = aes(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"))?;
    let known = [
        (
            &plain,
            M::AesKeyWrap,
            "00112233445566778899aabbccddeeff",
            "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
        ),
        (
            &padded,
            M::AesKeyWrapKwp,
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
    ];
    let mut answers = Vec::new();
    for (key, mechanism, material, wrapped) in known {
        answers.push(Answer::new(mechanisms::wrap(key, mechanism, None, &hex(material))?.data, hex(wrapped)));
        let unwrapped = mechanisms::unwrap(key, mechanism, None, &hex(wrapped))?;
        answers.push(Answer::new(unwrapped.as_slice(), hex(material)));
    }
    Ok(answers)
}

/// SP 800-38C appendix C, example 1.
pub fn aes_ccm() -> Result<Vec<Answer>> {
    let key = aes(&hex("404142434445464748494a4b4c4d4e4f"))?;
    let given = MechanismParameters {
        iv: Some(hex("10111213141516")),
        aad: Some(hex("0001020304050607")),
        tag_bits: Some(32),
        ..NO_PARAMETERS
    };
    both_ways(&key, M::AesCcm, Some(&given), &hex("20212223"), &hex("7162015b4dac255d"))
}

/// NIST CAVP, XTSGenAES256, count 1 of encryption.
pub fn aes_xts() -> Result<Vec<Answer>> {
    let key = hex(concat!(
        "1ea661c58d943a0e4801e42f4b0947149e7f9f8e3e68d0c7505210bd311a0e7c",
        "d6e13ffdf2418d8d1911c004cda58da3d619b7e2b9141e58318eea392cf41b08"
    ));
    let key = KeyHandle::AesXts(Arc::new(Arena::new(false).keep(&key)?));
    let given = MechanismParameters { iv: Some(hex("adf8d92627464ad2f0428e84a9f87564")), ..NO_PARAMETERS };
    let plaintext = hex("2eedea52cd8215e1acc647e810bbc3642e87287f8d2e57e36c0a24fbc12a202e");
    let ciphertext = hex("cbaad0e2f6cea3f50b37f934d46a9b130b9d54f07e34f36af793e86f73c6d7db");
    both_ways(&key, M::AesXts, Some(&given), &plaintext, &ciphertext)
}

/// The GCM specification's test case 1, whose tag is over nothing, verified; and a MAC of our own, whose IV is random.
pub fn aes_gmac() -> Result<Vec<Answer>> {
    let key = aes(&[0; 16])?;
    let mut given = MechanismParameters { iv: Some(vec![0; 12]), tag_bits: Some(128), ..NO_PARAMETERS };
    let known = hex("58e2fccefa7e3061367f1d57a4e7455a");
    let verified = mechanisms::verify(&key, M::AesGmac, Some(&given), b"", &known).is_ok();
    let ours = mechanisms::sign(&key, M::AesGmac, Some(&given), b"abc")?;
    let (iv, tag) = ours.split_at(12);
    given.iv = Some(iv.to_vec());
    let again = mechanisms::verify(&key, M::AesGmac, Some(&given), b"abc", tag).is_ok();
    Ok(vec![Answer::new([u8::from(verified), u8::from(again)], [1, 1])])
}

/// NIST CAVP, multi-block messages of three-key triple DES in CBC mode (TCBCMMT3), count 0 of encryption.
pub fn des3() -> Result<Vec<Answer>> {
    let key = hex("b5cb1504802326c73df186e3e352a20de643b0d63ee30e37");
    let key = KeyHandle::Des3(Arc::new(Arena::new(false).keep(&key)?));
    let given = MechanismParameters { iv: Some(hex("43f791134c5647ba")), ..NO_PARAMETERS };
    both_ways(&key, M::Des3Cbc, Some(&given), &hex("dcc153cef81d6f24"), &hex("92538bd8af18d3ba"))
}

fn both_ways(
    key: &KeyHandle,
    mechanism: M,
    parameters: Option<&MechanismParameters>,
    plaintext: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<Answer>> {
    let encrypted = mechanisms::crypt(key, Direction::Encrypt, mechanism, parameters, plaintext)?.data;
    let decrypted = mechanisms::crypt(key, Direction::Decrypt, mechanism, parameters, ciphertext)?.data;
    Ok(vec![Answer::new(encrypted, ciphertext), Answer::new(decrypted, plaintext)])
}

/// The key of SP 800-38A and 38B for AES-128.
fn sp_800_38a_key() -> Result<KeyHandle> {
    aes(&hex("2b7e151628aed2a6abf7158809cf4f3c"))
}
