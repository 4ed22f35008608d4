//! The little DER that is written here.

use zeroize::Zeroizing;

/// A tag and a length, for lengths up to 65535.
pub fn header(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..0x80 => out.push(low),
        0x80..0x100 => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
}

/// A `PrivateKeyInfo` (RFC 5958) without attributes, whose private key is an OCTET STRING of these bytes. `algorithm` is the
/// DER of an object identifier.
pub fn private_key_info(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    private_key_info_of(algorithm, &encoded(0x04, &[key]))
}

/// The same, whose private key is a SEQUENCE of a seed and the key that it is expanded to.
pub fn private_key_info_of_both(algorithm: &[u8], seed: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    private_key_info_of(algorithm, &encoded(0x30, &[&encoded(0x04, &[seed]), &encoded(0x04, &[key])]))
}

fn private_key_info_of(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = encoded(0x30, &[algorithm]);
    encoded(0x30, &[&[0x02, 0x01, 0x00], &algorithm, &encoded(0x04, &[key])])
}

fn encoded(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(length + 4));
    header(tag, length, &mut out);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}
