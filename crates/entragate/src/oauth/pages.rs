//! What a person sees: pages without script, not frameable, that load nothing from anywhere.

use askama::Template;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};

pub(crate) const STYLE: &str = include_str!("../../templates/page.css");

/// A sign-in that cannot go on, with no client to tell.
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
        page(status, self, Forms::None)
    }
}

/// Where the forms of a page may lead, redirects that follow included (CSP `form-action`).
pub(crate) enum Forms {
    /// There is no form.
    None,
    /// Here, and then to these places.
    To(Vec<String>),
}

/// A page with its security headers.
pub(crate) fn page(status: StatusCode, template: &impl Template, forms: Forms) -> Response<Body> {
    let html = template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be written");
        "<!doctype html><title>Error</title><p>This page could not be written.".to_owned()
    });
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    // A browser sends `Origin: null` with a form of a page that sends no referrer at all, and a form is only taken from
    // this origin; nobody else gets a referrer either way.
    let (form_action, referrer) = match forms {
        Forms::None => ("'none'".to_owned(), "no-referrer"),
        Forms::To(places) => (format!("'self' {}", places.join(" ")), "same-origin"),
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'; form-action {}",
        STANDARD.encode(digest),
        form_action.trim_end()
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
    headers.insert(REFERRER_POLICY, fixed(referrer));
    headers.insert(HeaderName::from_static("x-content-type-options"), fixed("nosniff"));
    response
}
