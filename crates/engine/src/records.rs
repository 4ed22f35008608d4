//! Where TLS records begin and end in what a peer sends: the TLS library does not tell that it waits for the rest of one.

/// Type, version and length (RFC 8446, section 5.1).
const HEADER_LENGTH: usize = 5;

/// Follows a stream of records.
#[derive(Debug, Default)]
pub(crate) struct RecordBounds {
    header: [u8; HEADER_LENGTH],
    header_bytes: usize,
    /// Bytes of the record that are still to come.
    rest: usize,
}

impl RecordBounds {
    /// Takes the next bytes of the stream.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let taken = self.rest.min(bytes.len());
                self.rest -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            let taken = (HEADER_LENGTH - self.header_bytes).min(bytes.len());
            self.header[self.header_bytes..self.header_bytes + taken].copy_from_slice(&bytes[..taken]);
            self.header_bytes += taken;
            bytes = &bytes[taken..];
            if self.header_bytes == HEADER_LENGTH {
                self.rest = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
                self.header_bytes = 0;
            }
        }
    }

    /// Whether part of a record has come and the rest has not.
    pub(crate) fn is_mid_record(&self) -> bool {
        self.header_bytes > 0 || self.rest > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_whole_at_its_last_byte_however_the_stream_is_cut() {
        let record = |length: u16| {
            let mut bytes = vec![23, 3, 3];
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.resize(HEADER_LENGTH + usize::from(length), 0xff);
            bytes
        };
        let (first, stream) = (record(300).len(), [record(300), record(0), record(7)].concat());
        for step in [1, 2, 5, 6, 100, stream.len()] {
            let mut bounds = RecordBounds::default();
            let mut taken = 0;
            for piece in stream.chunks(step) {
                bounds.follow(piece);
                taken += piece.len();
                let is_whole = [first, first + HEADER_LENGTH, stream.len()].contains(&taken);
                assert_eq!(bounds.is_mid_record(), !is_whole, "{taken} bytes in steps of {step}");
            }
        }
    }
}
