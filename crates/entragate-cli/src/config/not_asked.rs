//! A store that nobody asks: a command beside a running gateway must not lock or change what that one remembers.

use std::time::Duration;

use entragate::once::{Once, OnceError, OnceFuture};

/// Knows nothing and says so.
#[derive(Debug)]
pub(super) struct NotAsked;

fn unknown<T>() -> Result<T, OnceError> {
    Err(OnceError::Failed("only the running gateway knows; its log says check=revoked if it is".to_owned()))
}

impl Once for NotAsked {
    fn get<'a>(&'a self, _: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async { unknown() })
    }

    fn swap<'a>(&'a self, _: &'a str, _: Option<&'a [u8]>, _: &'a [u8], _: Duration) -> OnceFuture<'a, bool> {
        Box::pin(async { unknown() })
    }

    fn take<'a>(&'a self, _: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async { unknown() })
    }

    fn epoch(&self) -> OnceFuture<'_, String> {
        Box::pin(async { unknown() })
    }
}
