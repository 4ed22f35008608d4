//! The counter blocks of AES-CTR (SP 800-38A appendix B.1), for callers that do long data in pieces.

/// Bytes of a counter block.
pub const BLOCK: usize = 16;

/// The counter block after so many blocks: the low `bits` count, the rest stays.
#[must_use]
pub const fn advance(block: [u8; BLOCK], bits: u32, blocks: u128) -> [u8; BLOCK] {
    let number = u128::from_be_bytes(block);
    ((number & !mask(bits)) | (number.wrapping_add(blocks) & mask(bits))).to_be_bytes()
}

/// Where the low `bits` stand.
#[must_use]
pub const fn position(block: [u8; BLOCK], bits: u32) -> u128 {
    u128::from_be_bytes(block) & mask(bits)
}

/// Whether a counter of so many bits has come round when it has counted to here. One that has the whole block may.
#[must_use]
pub const fn comes_round(bits: u32, counted: u128) -> bool {
    bits < 128 && counted > 1 << bits
}

const fn mask(bits: u32) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_counts_in_its_low_bits_only() {
        let mut block = [0xff; BLOCK];
        assert_eq!(advance(block, 128, 1), [0; BLOCK]);
        let mut expected = [0xff; BLOCK];
        expected[12..].copy_from_slice(&[0, 0, 0, 1]);
        assert_eq!(advance(block, 32, 2), expected);
        block[15] = 0;
        assert_eq!(advance(block, 8, 5)[14..], [0xff, 5]);
    }

    #[test]
    fn a_counter_comes_round_after_its_last_value() {
        let mut block = [0xff; BLOCK];
        block[15] = 0xfe;
        assert_eq!(position(block, 8), 0xfe);
        assert!(!comes_round(8, 0xfe + 2));
        assert!(comes_round(8, 0xfe + 3));
        assert!(!comes_round(128, u128::MAX));
    }
}
