//! The address of a Redis server. Its text has the password, so no error repeats any of it.

use redis::Client;
use url::Url;

use crate::secret::Secret;

/// Why a Redis URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisUrlError {
    /// It does not parse.
    #[error("the Redis URL is not a URL (in the password, write `/`, `#`, `?`, `@` and `%` percent-encoded)")]
    Malformed,
    /// It is none of Redis.
    #[error("the Redis URL does not start with redis:// or rediss:// (or valkey:// or valkeys://)")]
    Scheme,
    /// It names no server that can be connected to.
    #[error("the Redis URL names no host")]
    Host,
    /// It has a user but no password, which would connect as nobody.
    #[error("the Redis URL has a user and no password: write redis://:password@host for a password alone")]
    UserWithoutPassword,
    /// It has a user or a password that is not text.
    #[error("the user or the password in the Redis URL is not UTF-8")]
    Credentials,
    /// Its path is no database number.
    #[error("the path of the Redis URL is not the number of a database")]
    Database,
    /// It has a query or a fragment, such as the one that switches the check of certificates off.
    #[error("the Redis URL has a query or a fragment, which are not supported")]
    Options,
}

/// A client that has not connected yet.
pub(super) fn client(url: &Secret) -> Result<Client, RedisUrlError> {
    let url = Url::parse(url.expose()).map_err(|_| RedisUrlError::Malformed)?;
    let is_tls = match url.scheme() {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(RedisUrlError::Scheme),
    };
    if url.host_str().is_none_or(str::is_empty) {
        return Err(RedisUrlError::Host);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(RedisUrlError::Options);
    }
    if !url.username().is_empty() && url.password().is_none() {
        return Err(RedisUrlError::UserWithoutPassword);
    }
    if [Some(url.username()), url.password()].into_iter().flatten().any(|text| !is_utf8(text)) {
        return Err(RedisUrlError::Credentials);
    }
    let database = url.path().strip_prefix('/').unwrap_or_default();
    if !database.is_empty() && database.parse::<u16>().is_err() {
        return Err(RedisUrlError::Database);
    }
    if is_tls {
        // redis takes the provider of the process. The embedder may have installed one already; then theirs is
        // used, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    // What is left to refuse are addresses nobody can connect to: 0.0.0.0 and ::.
    Client::open(url).map_err(|_| RedisUrlError::Host)
}

fn is_utf8(text: &str) -> bool {
    percent_encoding::percent_decode_str(text).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> RedisUrlError {
        client(&Secret::new(url)).unwrap_err()
    }

    #[test]
    fn urls_of_redis_are_taken() {
        for url in [
            "redis://127.0.0.1",
            "redis://[::1]:6380/2",
            "redis://:p%40ss@redis.contoso.com/",
            "rediss://anna:hunter2@redis.contoso.com:6380/0",
            "valkey://127.0.0.1",
            "valkeys://127.0.0.1",
        ] {
            assert!(client(&Secret::new(url)).is_ok(), "{url}");
        }
    }

    #[test]
    fn others_are_refused_without_being_repeated() {
        for (url, expected) in [
            ("hunter2", RedisUrlError::Malformed),
            ("redis://:hunter2/x@redis.contoso.com", RedisUrlError::Malformed),
            ("https://anna:hunter2@redis.contoso.com", RedisUrlError::Scheme),
            ("unix:///run/redis.sock?pass=hunter2", RedisUrlError::Scheme),
            ("redis:///0", RedisUrlError::Host),
            ("redis://:hunter2@0.0.0.0", RedisUrlError::Host),
            ("redis://hunter2@redis.contoso.com", RedisUrlError::UserWithoutPassword),
            ("redis://:%FFhunter2@redis.contoso.com", RedisUrlError::Credentials),
            ("redis://redis.contoso.com/hunter2", RedisUrlError::Database),
            ("redis://redis.contoso.com/-1", RedisUrlError::Database),
            ("rediss://:hunter2@redis.contoso.com#insecure", RedisUrlError::Options),
            ("redis://redis.contoso.com?protocol=resp3", RedisUrlError::Options),
        ] {
            let error = refusal(url);
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hunter2"), "{url}");
        }
    }
}
