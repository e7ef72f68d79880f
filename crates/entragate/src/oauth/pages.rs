//! What a person sees when a sign-in cannot go on and there is no client to tell: a page without script,
//! not frameable, that says what happened and who repairs it.

use askama::Template;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};

const STYLE: &str = include_str!("../../templates/page.css");

/// The one page so far.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) title: &'a str,
    pub(crate) what: &'a str,
    pub(crate) detail: &'a str,
    pub(crate) fix: &'a str,
    pub(crate) style: &'static str,
}

impl<'a> ErrorPage<'a> {
    pub(crate) fn new(title: &'a str, what: &'a str, detail: &'a str, fix: &'a str) -> Self {
        Self { title, what, detail, fix, style: STYLE }
    }

    pub(crate) fn response(&self, status: StatusCode) -> Response<Body> {
        let mut response = Response::new(Body::from(self.render().unwrap_or_else(|_| self.title.to_owned())));
        *response.status_mut() = status;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            STANDARD.encode(digest)
        );
        let fixed = |text: &'static str| HeaderValue::from_static(text);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, fixed("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, fixed("no-store"));
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_str(&policy).unwrap_or(fixed("default-src 'none'")),
        );
        headers.insert(X_FRAME_OPTIONS, fixed("DENY"));
        headers.insert(REFERRER_POLICY, fixed("no-referrer"));
        headers.insert(HeaderName::from_static("x-content-type-options"), fixed("nosniff"));
        response
    }
}
