//! The address of a web service: `http://` or `https://`, a host, a path. Refuses other schemes, user names and passwords
//! (they would end up in logs), fragments, and addresses without a host.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use rustls_pki_types::ServerName;

use crate::model::limits::WEB_ADDRESS_BYTES_MAX;

/// A checked address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

/// How the service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP. Whoever is on the way can read and change everything: only for answers that are signed.
    Http,
    /// HTTP over TLS 1.3.
    Https,
}

impl Address {
    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port: as written, or that of the scheme.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path with its query, from the slash on.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The address with `path` (from the slash on) below its own path: of `http://w.example/log` and `/add-checkpoint`
    /// it is `http://w.example/log/add-checkpoint`.
    ///
    /// # Errors
    /// [`AddressError`] when the whole is no address.
    pub fn below(&self, path: &str) -> Result<Self, AddressError> {
        let (before, query) = self.text.split_once('?').map_or((self.text.as_str(), None), |(a, b)| (a, Some(b)));
        let before = before.strip_suffix('/').unwrap_or(before);
        match query {
            Some(_) => Err(AddressError::Query),
            None => format!("{before}{path}").parse(),
        }
    }

    /// What the header `Host` says: the port only where it is not the scheme's.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.scheme == Scheme::Https { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// The name that the certificate must bear.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.clone()).ok()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > WEB_ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong);
        }
        // A parser of URIs drops what stands behind the mark; it must not be dropped unseen.
        if text.contains('#') {
            return Err(AddressError::Fragment);
        }
        let uri: Uri = text.parse().map_err(|_| AddressError::Malformed)?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(AddressError::Scheme),
        };
        let authority = uri.authority().ok_or(AddressError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::UserName);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let named_port = authority.as_str().rsplit_once(']').map_or(authority.as_str(), |(_, rest)| rest);
        let port = match (authority.port_u16(), named_port.contains(':')) {
            (Some(port), _) if port != 0 => port,
            (None, false) => {
                if scheme == Scheme::Https {
                    443
                } else {
                    80
                }
            }
            _ => return Err(AddressError::Port),
        };
        if ServerName::try_from(host.as_str()).is_err() {
            return Err(AddressError::Host);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        // Something between the host and the slash: no address that anybody meant.
        if !path.starts_with('/') {
            return Err(AddressError::Malformed);
        }
        Ok(Self { text: text.to_owned(), scheme, host, port, path })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Why a text is no address of a web service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Longer than any sensible one.
    #[error("the address is longer than {WEB_ADDRESS_BYTES_MAX} bytes")]
    TooLong,
    /// No URI.
    #[error("this is no address; write for example http://tsa.example.org/tsr")]
    Malformed,
    /// Another scheme, or none.
    #[error("the address must begin with http:// or https://")]
    Scheme,
    /// `user:password@`.
    #[error("the address holds a user name; it would be written into logs, so it is not taken")]
    UserName,
    /// `#…`.
    #[error("the address holds a fragment (#); servers never see it, leave it out")]
    Fragment,
    /// Neither a name nor an IP address.
    #[error("the host in the address is neither a DNS name nor an IP address")]
    Host,
    /// Not 1 to 65535.
    #[error("the port in the address is not a number from 1 to 65535")]
    Port,
    /// A path cannot be put behind a query.
    #[error("the address holds a query (?); a path cannot stand below it")]
    Query,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }

    #[test]
    fn an_address_says_whom_to_dial_and_what_to_ask_for() {
        let plain = address("http://tsa.example.org").unwrap();
        assert_eq!((plain.host(), plain.port(), plain.path()), ("tsa.example.org", 80, "/"));
        assert_eq!(plain.authority(), "tsa.example.org");
        let full = address("https://[::1]:8443/a/b?c=d").unwrap();
        assert_eq!((full.scheme(), full.host(), full.port(), full.path()), (Scheme::Https, "::1", 8443, "/a/b?c=d"));
        assert_eq!(full.authority(), "[::1]:8443");
        assert_eq!(full.to_string(), "https://[::1]:8443/a/b?c=d");
    }

    #[test]
    fn a_path_below_an_address_keeps_its_own_path() {
        for text in ["http://w.example:8080/log", "http://w.example:8080/log/"] {
            let below = address(text).unwrap().below("/add-checkpoint").unwrap();
            assert_eq!(below.to_string(), "http://w.example:8080/log/add-checkpoint");
        }
        assert_eq!(address("http://w.example/?a").unwrap().below("/b"), Err(AddressError::Query));
    }

    #[test]
    fn what_is_no_address_of_a_web_service_is_refused_by_its_reason() {
        for (text, reason) in [
            ("tsa.example.org", AddressError::Scheme),
            ("ftp://tsa.example.org/", AddressError::Scheme),
            ("file:///etc/passwd", AddressError::Malformed),
            ("http://", AddressError::Malformed),
            ("http:///tsr", AddressError::Malformed),
            ("http://a b/", AddressError::Malformed),
            ("http://user:secret@tsa.example.org/", AddressError::UserName),
            ("http://tsa.example.org/#top", AddressError::Fragment),
            ("http://tsa.example.org:0/", AddressError::Port),
            ("http://tsa.example.org:65536/", AddressError::Port),
            ("http://tsa..example/", AddressError::Host),
        ] {
            assert_eq!(address(text), Err(reason), "{text}");
        }
        assert_eq!(address(&format!("http://a/{}", "x".repeat(WEB_ADDRESS_BYTES_MAX))), Err(AddressError::TooLong));
    }
}
