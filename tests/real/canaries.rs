//! The secrets of a test, and the search for them in whatever came out.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// `{"alg":`, `{"typ":` and `{"kid":` in base64: the header of a JWT.
const JWT_STARTS: [&[u8]; 3] = [b"eyJhbGci", b"eyJ0eXAi", b"eyJraWQi"];

#[derive(Default)]
pub struct Canaries(Vec<Vec<u8>>);

impl Canaries {
    /// The value as it is, form-encoded, and inside a longer base64 text.
    pub fn add(&mut self, secret: &str) {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for plain in [secret, encoded.as_str()] {
            self.0.push(plain.as_bytes().to_vec());
            for shift in 0..3 {
                self.0.push(base64_inside(plain, shift));
            }
        }
    }

    /// # Panics
    /// When `output` holds a secret, or the start of a token or assertion; says where, never what.
    pub fn assert_absent(&self, place: &str, output: &[u8]) {
        let found = |needle: &[u8]| output.windows(needle.len()).any(|window| window == needle);
        assert!(!self.0.iter().any(|needle| found(needle)), "a secret is in {place}");
        assert!(!JWT_STARTS.iter().any(|start| found(start)), "a token or an assertion is in {place}");
    }
}

/// The digits every base64 text has that holds `plain` `shift` bytes after a multiple of three.
fn base64_inside(plain: &str, shift: usize) -> Vec<u8> {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(plain.as_bytes());
    let whole = bytes.len() / 3 * 4;
    let first = (shift * 8).div_ceil(6);
    STANDARD_NO_PAD.encode(&bytes).into_bytes()[first..whole].to_vec()
}

#[test]
fn a_basic_header_is_found_out() {
    let mut canaries = Canaries::default();
    canaries.add("canary-0123456789 s:p/%");
    for id in ["a", "ab", "abc"] {
        let header = STANDARD_NO_PAD.encode(format!("{id}:canary-0123456789 s:p/%"));
        assert!(std::panic::catch_unwind(|| canaries.assert_absent("a log", header.as_bytes())).is_err(), "{id}");
    }
    canaries.assert_absent("a log", b"canary-0123456789");
}
