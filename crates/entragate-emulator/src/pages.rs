//! The pages people see. They work without JavaScript, in light and dark, and on a small screen.

use askama::Template;

use crate::consent::Asked;
use crate::directory::{App, User};
use crate::entra::Entra;
use crate::errors::{Refusal, Trace};
use crate::exchange::Answer;
use crate::params::{Params, encode};
use crate::scope::Oidc;

/// A form that repeats the request and adds what its buttons say.
#[derive(Debug)]
pub(crate) struct Form {
    action: String,
    hidden: Vec<(String, String)>,
}

impl Form {
    /// The original parameters travel in the action's query, where no browser changes their bytes; those of earlier pages
    /// are hidden fields.
    pub(crate) fn again(path: &str, params: &Params, carried: &[(&str, &str)]) -> Self {
        let original = params.iter().filter(|param| !param.name.starts_with("__emulator_"));
        let pairs: Vec<String> = original
            .map(|param| format!("{}={}", encode(param.name.as_bytes()), encode(&param.bytes)))
            .collect();
        Self {
            action: format!("{path}?{}", pairs.join("&")),
            hidden: carried.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }
}

/// Somebody to pick.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) user: &'a User,
    /// What a token would name; nothing where it is not known yet which API the token is for.
    pub(crate) roles: Option<Vec<String>>,
}

impl Account<'_> {
    /// What else will come of picking this one.
    fn facts(&self) -> Vec<&'static str> {
        let facts = [
            (self.user.disabled, "disabled"),
            (self.user.ca_blocked, "blocked by policy"),
            (self.user.mfa_required, "second factor"),
            (self.user.home_tenant.is_some(), "guest"),
        ];
        facts.into_iter().filter(|(holds, _)| *holds).map(|(_, fact)| fact).collect()
    }
}

/// The sign-in page. `own` belong to the tenant signed in to, `others` do not.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) client: &'a str,
    /// The API whose roles are shown; empty if none are.
    pub(crate) api: &'a str,
    pub(crate) form: &'a Form,
    pub(crate) own: &'a [Account<'a>],
    pub(crate) others: &'a [Account<'a>],
    pub(crate) hint: &'a str,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    client: &'a App,
    user: &'a User,
    asked: &'a [Asked<'a>],
    oidc: Vec<&'static str>,
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "mfa.html")]
struct Mfa<'a> {
    user: &'a User,
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Error<'a> {
    message: String,
    code: u32,
    trace: &'a Trace,
    config: &'a str,
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    action: &'a str,
    fields: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "device.html")]
struct Device<'a> {
    action: &'a str,
    code: &'a str,
    accounts: Vec<Account<'a>>,
    problem: &'a str,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
struct DeviceConfirm<'a> {
    action: &'a str,
    code: &'a str,
    client: &'a App,
    user: &'a User,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    entra: &'a Entra,
}

pub(crate) fn sign_in(page: &SignIn<'_>) -> Answer {
    render(page)
}

pub(crate) fn consent(client: &App, user: &User, asked: &[Asked<'_>], oidc: &[Oidc], form: &Form) -> Answer {
    let explain = |oidc: &Oidc| match oidc {
        Oidc::OpenId => "Know that it is you (openid)",
        Oidc::Profile => "See your name (profile)",
        Oidc::Email => "See your e-mail address (email)",
        Oidc::OfflineAccess => "Keep access while you are away (offline_access)",
    };
    render(&Consent { client, user, asked, oidc: oidc.iter().map(explain).collect(), form })
}

pub(crate) fn mfa(user: &User, form: &Form) -> Answer {
    render(&Mfa { user, form })
}

/// `config` is JSON that is safe inside a script element.
pub(crate) fn error(refusal: &Refusal, trace: &Trace, config: &str) -> Answer {
    render(&Error { message: refusal.to_string(), code: refusal.facts().code, trace, config })
}

/// The page of `response_mode=form_post`, which submits itself.
pub(crate) fn form_post(action: &str, fields: Vec<(String, String)>) -> Answer {
    render(&FormPost { action, fields })
}

pub(crate) fn device(action: &str, code: &str, users: &[&User], problem: Option<&str>) -> Answer {
    let accounts = users.iter().map(|user| Account { user, roles: None }).collect();
    render(&Device { action, code, accounts, problem: problem.unwrap_or_default() })
}

pub(crate) fn device_confirm(action: &str, code: &str, client: &App, user: &User) -> Answer {
    render(&DeviceConfirm { action, code, client, user })
}

pub(crate) fn message(title: &str, text: &str) -> Answer {
    render(&Message { title, text })
}

/// Where `error_uri` points.
pub(crate) fn lookup(code: &str) -> Answer {
    let digits: String = code.chars().filter(char::is_ascii_digit).take(10).collect();
    message(&format!("AADSTS{digits}"), "The emulator returns this code where Entra would.")
}

pub(crate) fn home(entra: &Entra) -> Answer {
    render(&Home { entra })
}

fn render(page: &impl Template) -> Answer {
    Answer::html(page.render().unwrap_or_else(|error| format!("The page could not be rendered: {error}")))
}
