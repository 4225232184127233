//! Whom a connection trusts, and as whom it comes: certificates from files.

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};

use super::error::ConnectionError;
use super::settings::ConnectionSettings;

/// The configuration of TLS.
///
/// # Errors
/// [`ConnectionError::File`] where a file cannot be read or holds no certificate.
pub(super) fn tls(settings: &ConnectionSettings) -> Result<OwnedTLSConfig, ConnectionError> {
    let read = |path: &std::path::Path, what: &str| {
        std::fs::read(path)
            .map_err(|error| ConnectionError::File(format!("could not read {what} `{}`: {error}", path.display())))
    };
    let mut config = OwnedTLSConfig::default();
    if let Some(path) = &settings.ca_file {
        let pem = read(path, "the certificates of the broker's authority")?;
        let text = String::from_utf8(pem)
            .map_err(|_| ConnectionError::File(format!("`{}` is not a PEM file of certificates", path.display())))?;
        // The library passes over in silence whatever is no certificate.
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(ConnectionError::File(format!("`{}` holds no certificate in PEM", path.display())));
        }
        config.cert_chain = Some(text);
    }
    if let Some(identity) = &settings.identity {
        let pem = read(&identity.certificate, "the client certificate")?;
        config.identity = Some(OwnedIdentity::PKCS8 { pem, key: read(&identity.key, "the client key")? });
    }
    Ok(config)
}
