//! Bytes that are wiped when they go.

use std::ops::{Deref, DerefMut};

/// Bytes that may be or hold a value; all the room they had is wiped when they go, at once and not byte by byte as
/// `Zeroizing` does it, which for a token takes longer than to read it.
#[derive(Default)]
pub struct Wiped(Vec<u8>);

impl Wiped {
    /// No bytes yet. A buffer that grows beyond its room leaves copies behind.
    #[must_use]
    pub fn with_capacity(room: usize) -> Self {
        Self(Vec::with_capacity(room))
    }
}

impl From<Vec<u8>> for Wiped {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        // What nobody reads again need not be written, as the compiler sees it, unless it is told otherwise.
        zeroize::optimization_barrier(self.0.as_slice());
    }
}
