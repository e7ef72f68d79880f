//! A request to Graph as plain data: shown in plans, printed as scripts, or sent.

use serde::Serialize;
use serde_json::Value;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or calls an action.
    Post,
    /// Changes the members that are named.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether sending the request twice does no more than sending it once (RFC 9110 §9.2.2). `PATCH` is not, in
    /// general; Graph's sets members to values.
    pub(super) const fn may_repeat(self) -> bool {
        !matches!(self, Self::Post)
    }
}

/// A request; the path begins below `/v1.0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, such as `/applications?$top=1`.
    pub path: String,
    /// The value of the `Prefer` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer: Option<&'static str>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl Request {
    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), prefer: None, body: None }
    }

    /// Creates, or calls an action.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::Post, body: Some(body), ..Self::get(path) }
    }

    /// Changes.
    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::Patch, body: Some(body), ..Self::get(path) }
    }

    /// Changes what is there, or creates it (Graph's upsert).
    pub fn upsert(path: impl Into<String>, body: Value) -> Self {
        Self { prefer: Some("create-if-missing"), ..Self::patch(path, body) }
    }

    /// Removes.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::Delete, ..Self::get(path) }
    }

    /// Method and path without the query, for messages.
    pub fn name(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method.as_str())
    }
}
