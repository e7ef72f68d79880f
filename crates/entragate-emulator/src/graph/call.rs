//! One authorised call of Graph.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::Value;

use super::caller::Caller;
use super::error::GraphError;
use super::query::{self, Collection};
use crate::directory::Directory;
use crate::entra::Entra;
use crate::exchange::{Answer, Exchange};
use crate::ids::Random;
use crate::settings::Settings;

/// A call, with everything that must not be asked for while the state is locked.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) entra: &'a Entra,
    pub(super) exchange: &'a Exchange,
    pub(super) caller: Caller,
    pub(super) settings: Settings,
    pub(super) now: u64,
}

pub(super) type Called = Result<Answer, GraphError>;

impl<'a> Call<'a> {
    pub(super) fn of(entra: &'a Entra, exchange: &'a Exchange) -> Result<Self, GraphError> {
        let caller = Caller::of(entra, exchange)?;
        Ok(Self { entra, exchange, caller, settings: entra.settings(), now: entra.now() })
    }

    pub(super) fn method(&self) -> &Method {
        &self.exchange.method
    }

    /// The directory as the call found it.
    pub(super) fn directory(&self) -> &Directory {
        &self.entra.directory
    }

    pub(super) fn fresh_id(&self) -> String {
        self.entra.random(Random::guid)
    }

    /// Changes the directory, or leaves all of it as it was.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Directory) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        self.entra.state.with(|state| state.directories.change(change))
    }

    /// The directory after a change.
    pub(super) fn changed(&self) -> Arc<Directory> {
        self.entra.state.with(|state| state.directories.current())
    }

    /// Objects made from now on are missed by as many looks as the settings say.
    pub(super) fn delay(&self, object_id: &str) {
        let looks = self.settings.graph_replication_reads;
        if looks > 0 {
            self.entra.state.with(|state| state.unreplicated.insert(object_id.to_owned(), looks));
        }
    }

    /// Whether this look misses the object, which brings it nearer.
    pub(super) fn misses(&self, object_id: &str) -> bool {
        self.entra.state.with(|state| {
            let Some(left) = state.unreplicated.get_mut(object_id) else { return false };
            *left -= 1;
            if *left == 0 {
                state.unreplicated.remove(object_id);
            }
            true
        })
    }

    /// `Prefer: create-if-missing`: a PATCH that may create.
    pub(super) fn creates_if_missing(&self) -> bool {
        let preferred = self.exchange.header("prefer").unwrap_or_default();
        preferred.split(',').any(|wish| wish.trim().eq_ignore_ascii_case("create-if-missing"))
    }

    pub(super) fn entity(&self, context: &str, object: &Value) -> Called {
        query::entity(self, context, object, StatusCode::OK)
    }

    pub(super) fn created(&self, context: &str, object: &Value) -> Called {
        query::entity(self, context, object, StatusCode::CREATED)
    }

    pub(super) fn page(&self, context: &str, items: Vec<Value>, filterable: &[&str]) -> Called {
        query::page(self, Collection { context, items, filterable })
    }
}

/// 204.
#[expect(clippy::unnecessary_wraps, reason = "the result of a call, like every other")]
pub(super) fn done() -> Called {
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// An object id in a path must be one.
pub(super) fn check_id(id: &str) -> Result<(), GraphError> {
    match crate::guid::parse(id) {
        Some(_) => Ok(()),
        None => Err(GraphError::bad(format!("Invalid object identifier '{id}'."))),
    }
}
