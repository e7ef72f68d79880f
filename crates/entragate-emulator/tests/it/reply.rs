//! What came back over the wire, and the readers for its four shapes: redirect, error page, error JSON, HTML form.

use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

/// One HTTP response, read to the end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        Self {
            url: response.url().clone(),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("the body is readable text"),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("header values are ASCII"))
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The body of a 200 JSON answer.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()
    }

    #[track_caller]
    pub(crate) fn location(&self) -> Location {
        assert_eq!(self.status, 302, "expected a redirect: {}", self.body);
        Location::parse(self.header("location").expect("a redirect has a Location"))
    }

    /// The error page: HTTP 200, the facts inside `$Config={…};`.
    #[track_caller]
    pub(crate) fn page(&self, code: u64) -> PageError {
        assert_eq!(self.status, 200, "error pages are HTTP 200: {self:?}");
        assert!(self.is_html(), "error pages are HTML: {self:?}");
        assert_eq!(self.header("location"), None, "an error page redirects nowhere");
        let config = self.config().unwrap_or_else(|| panic!("no $Config in {}", self.body));
        let page = PageError::parse(&config);
        assert_eq!(page.code, code, "{config}");
        page
    }

    /// The `$Config` blob, if the page carries one.
    pub(crate) fn config(&self) -> Option<Value> {
        let (_, rest) = self.body.split_once("$Config=")?;
        serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok()
    }

    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// Entra's error JSON: seven members, each checked, none missing.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16, error: &str, code: u64) -> Refusal {
        let json = self.json();
        assert_eq!(self.status, status, "{json}");
        assert_eq!(json["error"], error, "{json}");
        assert_eq!(json["error_codes"], serde_json::json!([code]), "{json}");
        let text = |name: &str| {
            json[name].as_str().unwrap_or_else(|| panic!("`{name}` is missing: {json}")).to_owned()
        };
        let refusal = Refusal {
            message: text("error_description"),
            timestamp: text("timestamp"),
            trace_id: text("trace_id"),
            correlation_id: text("correlation_id"),
            error_uri: text("error_uri"),
            json: json.clone(),
        };
        refusal.check(code, self)
    }

    #[track_caller]
    pub(crate) fn forms(&self) -> Vec<Form> {
        assert_eq!(self.status, 200, "{self:?}");
        assert!(self.is_html(), "{self:?}");
        Form::all(&self.body)
    }

    /// The form that carries a button of this name and value.
    pub(crate) fn form_with(&self, button: (&str, &str)) -> Option<Form> {
        if !self.is_html() {
            return None;
        }
        let pressed = |(name, value): &(String, String)| name == button.0 && value == button.1;
        Form::all(&self.body).into_iter().find(|form| form.buttons.iter().chain(&form.fields).any(pressed))
    }

    #[track_caller]
    pub(crate) fn assert_sign_in_page(&self) {
        assert!(
            self.form_with(("__emulator_user", "alice")).is_some(),
            "expected the sign-in page: {} {:?} {}",
            self.status,
            self.header("location"),
            self.body
        );
    }
}

/// A parsed error JSON, after its seven members were checked.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// `error_description` without `AADSTSnnnn: ` and without the trace suffix.
    pub(crate) message: String,
    pub(crate) timestamp: String,
    pub(crate) trace_id: String,
    pub(crate) correlation_id: String,
    pub(crate) error_uri: String,
    pub(crate) json: Value,
}

impl Refusal {
    #[track_caller]
    fn check(self, code: u64, reply: &Reply) -> Self {
        assert!(is_guid(&self.trace_id), "{}", self.trace_id);
        assert!(is_guid(&self.correlation_id), "{}", self.correlation_id);
        assert!(is_timestamp(&self.timestamp), "{}", self.timestamp);
        assert!(self.error_uri.ends_with(&format!("/error?code={code}")), "{}", self.error_uri);
        assert_eq!(reply.header("x-ms-request-id"), Some(self.trace_id.as_str()));
        assert!(
            reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
            "{:?}",
            reply.headers
        );
        let suffix = format!(
            " Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.trace_id, self.correlation_id, self.timestamp
        );
        let prefix = format!("AADSTS{code}: ");
        let message = self
            .message
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(&suffix))
            .unwrap_or_else(|| panic!("error_description is not `{prefix}…{suffix}`: {}", self.message));
        Self { message: message.to_owned(), ..self }
    }

    #[track_caller]
    pub(crate) fn says(&self, message: &str) {
        assert_eq!(self.message, message);
    }

    #[track_caller]
    pub(crate) fn begins(&self, message: &str) {
        assert!(self.message.starts_with(message), "{} does not begin with {message}", self.message);
    }
}

/// A parsed error page.
#[derive(Debug)]
pub(crate) struct PageError {
    pub(crate) code: u64,
    /// `strServiceExceptionMessage` without `AADSTSnnnn: ` and without a trace suffix.
    pub(crate) message: String,
}

impl PageError {
    #[track_caller]
    fn parse(config: &Value) -> Self {
        let code = config["iErrorCode"].as_u64().unwrap_or_else(|| panic!("no numeric iErrorCode: {config}"));
        assert_eq!(config["sErrorCode"], code.to_string(), "{config}");
        assert_eq!(config["iHttpErrorCode"], 400, "{config}");
        assert!(config["strMainMessage"].as_str().is_some_and(|text| !text.is_empty()), "{config}");
        assert!(config["correlationId"].as_str().is_some_and(is_guid), "{config}");
        assert!(config["sessionId"].as_str().is_some_and(is_guid), "{config}");
        let full = config["strServiceExceptionMessage"].as_str().unwrap_or_default();
        let message = full
            .strip_prefix(&format!("AADSTS{code}: "))
            .unwrap_or_else(|| panic!("strServiceExceptionMessage lacks its code: {config}"));
        let message = message.split(" Trace ID: ").next().unwrap_or_default();
        Self { code, message: message.to_owned() }
    }

    #[track_caller]
    pub(crate) fn says(&self, message: &str) {
        assert_eq!(self.message, message);
    }

    #[track_caller]
    pub(crate) fn begins(&self, message: &str) {
        assert!(self.message.starts_with(message), "{} does not begin with {message}", self.message);
    }
}

/// The `Location` of a redirect to the client.
#[derive(Debug)]
pub(crate) struct Location {
    pub(crate) raw: String,
    /// Everything before `?` or `#`.
    pub(crate) target: String,
    /// `?` or `#`.
    pub(crate) separator: char,
    pub(crate) pairs: Vec<(String, String)>,
}

impl Location {
    #[track_caller]
    pub(crate) fn parse(raw: &str) -> Self {
        let at = raw.find(['?', '#']).unwrap_or_else(|| panic!("no parameters in {raw}"));
        let (target, rest) = raw.split_at(at);
        let separator = if rest.starts_with('?') { '?' } else { '#' };
        Self {
            raw: raw.to_owned(),
            target: target.to_owned(),
            separator,
            pairs: url::form_urlencoded::parse(&rest.as_bytes()[1..]).into_owned().collect(),
        }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.pairs.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.get("error"), None, "{}", self.raw);
        self.get("code").unwrap_or_else(|| panic!("no code in {}", self.raw)).to_owned()
    }

    /// An error redirect: `error`, the AADSTS code and the state checked, the message returned without its wrapping.
    #[track_caller]
    pub(crate) fn refusal(&self, error: &str, code: u64) -> String {
        assert_eq!(self.get("error"), Some(error), "{}", self.raw);
        assert_eq!(self.get("code"), None, "{}", self.raw);
        assert_eq!(self.get("state"), Some("xyz"), "{}", self.raw);
        let description = self.get("error_description").unwrap_or_default();
        let (message, suffix) = description
            .strip_prefix(&format!("AADSTS{code}: "))
            .and_then(|rest| rest.split_once(" Trace ID: "))
            .unwrap_or_else(|| panic!("not an AADSTS{code} description: {description}"));
        let (trace, rest) = suffix.split_once(" Correlation ID: ").expect("a correlation id follows");
        let (correlation, timestamp) = rest.split_once(" Timestamp: ").expect("a timestamp follows");
        assert!(is_guid(trace) && is_guid(correlation) && is_timestamp(timestamp), "{description}");
        message.to_owned()
    }
}

/// An HTML form, as a browser without JavaScript sees it.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) method: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    fn all(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        let mut open = false;
        for tag in tags(html) {
            let attribute = |name: &str| {
                tag.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
            };
            match tag.name.as_str() {
                "form" => {
                    open = true;
                    forms.push(Self {
                        method: attribute("method").unwrap_or_default().to_ascii_lowercase(),
                        action: attribute("action").unwrap_or_default(),
                        ..Self::default()
                    });
                }
                "/form" => open = false,
                "input" | "button" if open => {
                    let (Some(form), Some(name)) = (forms.last_mut(), attribute("name")) else {
                        continue;
                    };
                    let pair = (name, attribute("value").unwrap_or_default());
                    let submits = tag.name == "button" || attribute("type").as_deref() == Some("submit");
                    if submits {
                        form.buttons.push(pair);
                    } else {
                        form.fields.push(pair);
                    }
                }
                _ => {}
            }
        }
        forms
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let end =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len());
            let key = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                (value, rest) = attribute_value(after);
            } else if end == 0 {
                break;
            }
            attributes.push((key, unescape(value)));
        }
        found.push(Tag { name, attributes });
    }
    found
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len()))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((entity, after)) = rest[1..].split_once(';') else {
            break;
        };
        let decoded = match entity {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => entity
                .strip_prefix("#x")
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .or_else(|| entity.strip_prefix('#').and_then(|number| number.parse().ok()))
                .and_then(char::from_u32),
        };
        if let Some(character) = decoded {
            out.push(character);
            rest = after;
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// `8-4-4-4-12` lower-case hexadecimal.
pub(crate) fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f' | '-'))
}

/// `YYYY-MM-DD HH:MM:SSZ`.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let pattern = b"dddd-dd-dd dd:dd:ddZ";
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *shape,
        })
}
