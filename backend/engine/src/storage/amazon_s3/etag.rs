//! What an ETag proves.
//!
//! Of an object sent in one request it is the content's MD5; of one sent in parts, the MD5 of the parts' MD5s, and their number. Not so where
//! the provider encrypts with keys other than its own, and not everywhere outside of Amazon: an ETag that does not fit proves nothing by
//! itself.

use aws_sdk_s3::types::ServerSideEncryption;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};

pub(super) type Md5Sum = [u8; 16];

/// As headers carry it.
pub(super) fn md5_base64(bytes: &[u8]) -> String {
    BASE64.encode(Md5::digest(bytes))
}

/// Of a block of some size; done where it holds up nobody.
pub(super) async fn md5_of(bytes: bytes::Bytes) -> super::Result<Md5Sum> {
    let hashing = tokio::task::spawn_blocking(move || Md5::digest(&bytes).into());
    hashing
        .await
        .map_err(|e| super::Error::new(super::ErrorKind::Other, format!("Hashing a block broke off: {e}")))
}

/// The ETag of an object that was sent as parts with these MD5s.
pub(super) fn of_parts(parts: &[Md5Sum]) -> String {
    format!("{}-{}", hex::encode(Md5::digest(parts.as_flattened())), parts.len())
}

/// Without the quotes that the protocol puts around it.
pub(super) fn bare(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

/// Whether the provider's way to encrypt leaves ETags what they are.
pub(super) fn comparable(encryption: Option<&ServerSideEncryption>) -> bool {
    matches!(encryption, None | Some(ServerSideEncryption::Aes256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_of_parts_are_the_hash_of_their_hashes() {
        let parts: Vec<Md5Sum> = [&b"a"[..], b"b"].map(|p| Md5::digest(p).into()).to_vec();
        assert_eq!(of_parts(&parts), "96e024ba2074fe77e8e965ba43a704be-2");
    }

    #[test]
    fn quotes_are_no_part_of_an_etag() {
        assert_eq!(bare("\"abc-2\""), "abc-2");
        assert_eq!(bare("W/\"abc\""), "abc");
    }

    #[test]
    fn keys_of_ones_own_make_etags_opaque() {
        assert!(comparable(None));
        assert!(comparable(Some(&ServerSideEncryption::Aes256)));
        assert!(!comparable(Some(&ServerSideEncryption::AwsKms)));
    }
}
