//! Who vouches for servers when a file says so (`--ca-file`).
//!
//! Such a file often has the server's own certificate, made by itself and marked as an authority's, as Docker's manual has one make
//! it. Go takes that and webpki does not, so that it is taken here: a certificate that was named in person is more than a chain.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// TLS by the certificates of a file (PEM), with a certificate and key (PEM, one behind the other) to show if there are any.
///
/// # Errors
/// When one of the texts cannot be used, in words.
pub(super) fn tls(authorities: &[u8], identity: Option<&[u8]>) -> Result<ClientConfig, String> {
    let named: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(authorities).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(named.iter().cloned()).0 == 0 {
        return Err("there is no certificate in it (PEM is expected)".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let web = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build().map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.dangerous().with_custom_certificate_verifier(Arc::new(Named { web, named }));
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some(text) => {
            let chain = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
            let key = PrivateKeyDer::from_pem_slice(text).map_err(|error| error.to_string())?;
            config.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Verifies by the certificates of a file, of which one may be the server's own.
#[derive(Debug)]
struct Named {
    web: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.web.verify_server_cert(own, chain, name, ocsp, now) {
            Err(error) if is_authority_itself(&error) && self.named.iter().any(|named| named == own) => {
                // that it is valid now was looked at before what it is for; its name comes last
                rustls::client::verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.web.supported_verify_schemes()
    }
}

/// Whether nothing is wrong but that an authority's certificate is the server's own. The verifier has no type for it but its own,
/// which is not to be had from here; a test below holds the word.
fn is_authority_itself(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if format!("{:?}", other.0) == "CaUsedAsEndEntity")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A server's own certificate as `openssl req -x509` makes it: for `localhost`, from 2026 for a hundred years.
    const OWN: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBmzCCAUGgAwIBAgIUFnz2vrvpFynQuoFGsZEfB8F7aOIwCgYIKoZIzj0EAwIw\n\
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjIxMDg1NVoYDzIxMjYxMTAy\n\
MjEwODU1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n\
PQMBBwNCAASvPZppjlxWUDqjl58PCCyMOpS5Nt2QBdUIuYEiiUMdN+EL7TJK1tLi\n\
9FvhE6M+hy/+tHaxibHVKmFbiVcuQRcWo28wbTAdBgNVHQ4EFgQUQE/6ibLg3g51\n\
GTFmEwKzNX0woa0wHwYDVR0jBBgwFoAUQE/6ibLg3g51GTFmEwKzNX0woa0wDwYD\n\
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n\
zj0EAwIDSAAwRQIhAJH+2E4uZdiQ740WAtpbYu0HJ69rCWDY0Bir3w3Me6RIAiAj\n\
7MxXwp6RosvJeoQEVXfMHhxTc0GjVZMSEOTq+slNTQ==\n\
-----END CERTIFICATE-----";
    /// Another one of the same kind.
    const OTHER: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBmjCCAUGgAwIBAgIUAuM8NK73B4JDHallLdrbRdylpyAwCgYIKoZIzj0EAwIw\n\
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjIxMDg1NVoYDzIxMjYxMTAy\n\
MjEwODU1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n\
PQMBBwNCAARj4gL76ppKrSKt0ohdta9PUa43ollSnjQzcl2bLMZ14YanTQGu0cuP\n\
VYJNEFT6I030YnCdePZB3SAhazU6i6NUo28wbTAdBgNVHQ4EFgQUAE/WCIZEWa3e\n\
3W/iRHIo+5R1orEwHwYDVR0jBBgwFoAUAE/WCIZEWa3e3W/iRHIo+5R1orEwDwYD\n\
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n\
zj0EAwIDRwAwRAIgEWusiU8L6aXAburUxjbP54h7ELYgelcFsoOiEtkHHvACIE9w\n\
8nLYnapNjCIsaKizD1TNc2fsouXpb9i2jhoO8Ch7\n\
-----END CERTIFICATE-----";

    fn verdict(named: &[&str], shown: &str, name: &str, years: u64) -> Result<(), String> {
        let named = named.iter().map(|text| CertificateDer::from_pem_slice(text.as_bytes()).unwrap()).collect::<Vec<_>>();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(named.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let web = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let shown = CertificateDer::from_pem_slice(shown.as_bytes()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(years * 31_557_600));
        let verifier = Named { web, named };
        verifier
            .verify_server_cert(&shown, &[], &ServerName::try_from(name).unwrap(), &[], now)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_that_was_named_in_person_is_taken_for_its_name_and_time() {
        assert_eq!(verdict(&[OWN], OWN, "localhost", 60), Ok(()));
        assert_eq!(verdict(&[OTHER, OWN], OWN, "127.0.0.1", 60), Ok(()));
        for (named, name, years, expected) in [
            (OWN, "elsewhere.example.com", 60, "not valid for name"),
            (OWN, "localhost", 40, "not valid yet"),
            (OWN, "localhost", 400, "expired"),
            (OTHER, "localhost", 60, "CaUsedAsEndEntity"),
        ] {
            let why = verdict(&[named], OWN, name, years).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }
}
