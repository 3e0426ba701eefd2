//! The process-wide choice of cryptography: ring, for TLS and for tokens.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::hmac;
use signature::{Error as SignatureError, Signer, Verifier};

/// Chooses the providers; the first thing in `main` and in tests. Calling it again changes nothing.
pub fn install_providers() {
    // Both answer `Err` when a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let _ = PROVIDER.install_default();
}

/// HS256 and nothing else: a token that names another algorithm is refused before its key is looked at.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key: &EncodingKey| {
        only_hs256(*algorithm, key.family())?;
        Ok(Box::new(Hs256::new(key.as_bytes())) as Box<dyn JwtSigner>)
    },
    verifier_factory: |algorithm, key: &DecodingKey| {
        only_hs256(*algorithm, key.family())?;
        Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)) as Box<dyn JwtVerifier>)
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn only_hs256(algorithm: Algorithm, family: AlgorithmFamily) -> Result<(), Error> {
    let fits = algorithm == Algorithm::HS256 && family == AlgorithmFamily::Hmac;
    if fits { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

struct Hs256(hmac::Key);

impl Hs256 {
    fn new(key: &[u8]) -> Self {
        Hs256(hmac::Key::new(hmac::HMAC_SHA256, key))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(|_| SignatureError::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
