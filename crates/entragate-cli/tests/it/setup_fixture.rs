//! A tenant to set up: the emulator, the binary as a child process in a directory of its own, and a client that signs in
//! through what came of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use entragate::{AuthorityHost, ClientId, Credential, Secret, SystemClock, TenantId};
use entragate_cli::config::{self, Environment};
use entragate_cli::graph::{self, Graph, Http, SignIn};
use entragate_cli::sample;
use entragate_cli::serve::Server;
use entragate_cli::setup::{Arguments, Request, WrongOption, request};
use entragate_emulator::fixtures::{ADM, ADM_SECRET, TENANT};
use entragate_emulator::{Directory, Emulator};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use url::Url;

use crate::config_fixture::directory;

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:4711/callback";

/// What the binary printed.
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Printed {
    pub(crate) async fn by(mut command: Command) -> Self {
        let output = command.output().await.expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Both streams, for messages.
    pub(crate) fn all(&self) -> String {
        format!("exit code {:?}\n{}\n{}", self.code, self.stdout, self.stderr)
    }

    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }
}

/// The options, checked.
pub(crate) fn requested(arguments: &Arguments) -> Result<Request, WrongOption> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(request(arguments, &Environment::default()))
}

/// A tenant, and a directory for the gateway's files.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) directory: PathBuf,
    /// Where the gateway is going to be.
    pub(crate) base_url: String,
    /// The MCP server.
    pub(crate) upstream: String,
}

impl World {
    pub(crate) async fn start(name: &str) -> Self {
        let emulator =
            Emulator::builder().directory(Directory::fixtures()).start().await.expect("an emulator");
        let directory = directory(name);
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let upstream = format!("http://{}{}", listener.local_addr().expect("an address"), sample::PATH);
        tokio::spawn(sample::listen(listener, std::future::pending()));
        // Taken and given back: the files name it before the gateway can have it.
        let port = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = port.local_addr().expect("an address").port();
        Self { emulator, directory, base_url: format!("http://localhost:{port}"), upstream }
    }

    /// The binary, with the environment of whoever sets up.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entragate"));
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .envs([
                ("AZURE_AUTHORITY_HOST", self.emulator.url()),
                ("AZURE_TENANT_ID", TENANT),
                ("BASE_URL", &self.base_url),
                ("ENTRAGATE_UPSTREAM", &self.upstream),
                ("GRAPH_CLIENT_SECRET", ADM_SECRET),
            ])
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, arguments: &str) -> Printed {
        Printed::by(self.command(arguments)).await
    }

    /// `entragate setup` as the tenant's automation, which may do everything.
    pub(crate) async fn setup(&self, options: &str) -> Printed {
        self.run(&format!("setup --name Contoso --graph-as secret --graph-client-id {ADM} {options}")).await
    }

    /// The lines of requests since the log was cleared, writes only.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.emulator.control().requests();
        let writes =
            requests.iter().filter(|request| request.method != "GET" && request.path.starts_with("/v1.0/"));
        writes.map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// Graph, for what a person does by hand.
    pub(crate) async fn graph(&self) -> Graph {
        self.connect().await.0
    }

    /// A registration that somebody makes by hand; its client id.
    pub(crate) async fn by_hand(&self, name: &str) -> String {
        let request = graph::Request::post("/applications", json!({ "displayName": name }));
        let made = self.graph().await.send(&request).await.expect("made");
        made["appId"].as_str().expect("an id").to_owned()
    }

    /// The automation's token.
    pub(crate) async fn token(&self) -> String {
        self.connect().await.1.expose().to_owned()
    }

    async fn connect(&self) -> (Graph, Secret) {
        let authority = AuthorityHost::parse(self.emulator.url()).expect("loopback");
        let http = Http::new().expect("a client");
        let tenant = TenantId::parse(TENANT).expect("a GUID");
        let directory = graph::Directory::discover(&http, &authority, &tenant, None).await.expect("a tenant");
        let sign_in = SignIn::App {
            client: ClientId::parse(ADM).expect("a GUID"),
            credential: Credential::secret(Secret::new(ADM_SECRET)).expect("a secret"),
        };
        let token = sign_in.token(&http, &directory, &SystemClock, |_| ()).await.expect("a token");
        (Graph::new(http, directory.graph, token.secret.clone()), token.secret)
    }

    pub(crate) async fn application(&self, unique_name: &str) -> Option<Value> {
        let path = format!("/applications(uniqueName='{unique_name}')");
        self.graph().await.find(&path).await.expect("an answer")
    }

    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.directory.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What `.env` sets.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let text = self.file(".env");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        lines.filter_map(pair).collect()
    }

    /// `entragate config check` with the written files and nothing else.
    pub(crate) async fn check(&self) -> Printed {
        let mut command = self.command("config check");
        command.env_clear().envs(self.environment());
        Printed::by(command).await
    }

    /// The gateway with the written files.
    pub(crate) async fn serve(&self) {
        let state = self.directory.join("entragate-state").display().to_string();
        let environment: Environment =
            self.environment().into_iter().chain([("ENTRAGATE_STATE_DIRECTORY".to_owned(), state)]).collect();
        let file = self.directory.join("entragate.toml");
        let config = config::load(&environment, Some(&file)).unwrap_or_else(|problems| panic!("{problems}"));
        let server = Server::bind(&config).await.expect("a gateway");
        tokio::spawn(server.run(std::future::pending()));
    }

    /// Signs in through the gateway as a client with a browser would, and returns the access token.
    pub(crate) async fn sign_in(&self, user: &str) -> String {
        let client = Browser::new(&self.base_url);
        let server = client.json(&format!("{}/.well-known/oauth-authorization-server", self.base_url)).await;
        let endpoint = |name: &str| server[name].as_str().unwrap_or_else(|| panic!("no {name}: {server}"));
        let registration = json!({ "redirect_uris": [CALLBACK], "client_name": "test" });
        let registered = client.http.post(endpoint("registration_endpoint")).body(registration.to_string());
        let registered =
            registered.header("content-type", "application/json").send().await.expect("an answer");
        let registered: Value = registered.json().await.expect("JSON");
        let id = registered["client_id"].as_str().expect("a client id").to_owned();
        let mut authorize = Url::parse(endpoint("authorization_endpoint")).expect("a URL");
        authorize
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &id)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "s")
            .append_pair("login_hint", &format!("{user}@contoso.test"));
        let code = client.browse(authorize).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", &id),
        ];
        let answer =
            client.http.post(endpoint("token_endpoint")).form(&form).send().await.expect("an answer");
        let tokens: Value = answer.json().await.expect("JSON");
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("no token: {tokens}")).to_owned()
    }

    /// Calls a tool; the answer as text.
    pub(crate) async fn call(&self, token: &str, tool: &str) -> String {
        let browser = Browser::new(&self.base_url);
        let url = format!("{}/mcp", self.base_url);
        let initialize = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } },
        });
        let call = json!({
            "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": tool, "arguments": {} },
        });
        let post = |message: &Value, session: Option<String>| {
            let request = browser
                .http
                .post(&url)
                .bearer_auth(token)
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "application/json")
                .body(message.to_string());
            session.into_iter().fold(request, |request, session| request.header("mcp-session-id", session))
        };
        let opened = post(&initialize, None).send().await.expect("an answer");
        assert_eq!(opened.status(), 200, "the token was refused");
        let session =
            opened.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        post(&initialized, session.clone()).send().await.expect("an answer");
        post(&call, session).send().await.expect("an answer").text().await.expect("text")
    }
}

/// A browser: follows redirects, keeps cookies, allows the application on the gateway's page.
struct Browser {
    http: reqwest::Client,
    base_url: String,
}

impl Browser {
    fn new(base_url: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a client of the test's own")]
        let builder = reqwest::Client::builder();
        let http = builder.no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, base_url: base_url.to_owned() }
    }

    async fn json(&self, url: &str) -> Value {
        self.http.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    /// The code with which the browser comes back.
    async fn browse(&self, mut url: Url) -> String {
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let mut request = self.http.get(url.clone());
        for _ in 0..10 {
            let cookie: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let page = request.header(COOKIE, cookie.join("; ")).send().await.expect("a page");
            for line in page.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
                let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
                cookies.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            let location = page.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
            let Some(location) = location else {
                let html = page.text().await.expect("text");
                let form =
                    html.split("name=\"request\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
                let form = form.unwrap_or_else(|| panic!("{url} is a page:\n{html}"));
                assert!(url.as_str().starts_with(&self.base_url), "consent is asked for at Entra:\n{html}");
                url = url.join("consent").expect("a URL");
                request = self.http.post(url.clone()).form(&[("request", form), ("decision", "approve")]);
                continue;
            };
            url = url.join(&location).expect("a URL");
            if url.as_str().starts_with(CALLBACK) {
                let code = url.query_pairs().find(|(name, _)| name == "code");
                return code.unwrap_or_else(|| panic!("no code: {url}")).1.into_owned();
            }
            request = self.http.get(url.clone());
        }
        panic!("still redirected, now to {url}")
    }
}
