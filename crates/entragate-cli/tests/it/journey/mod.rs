//! `docs/guide/journey.md`: the way of somebody who is new here, written down while the binary goes it.
//!
//! `journey/page.md` is the page without what programs print. A line that begins with `@` is done, and what came of it takes
//! its place:
//!
//! | line | meaning |
//! |---|---|
//! | `@start NAME` | runs `entragate NAME` in another terminal |
//! | `@again NAME`, `@stop NAME` | stops that one and starts it again, or only stops it |
//! | `@run CODE COMMAND` | runs it, ends with this exit code; `< FILE` is standard input |
//! | `@brief CODE COMMAND` | the same, abridged: a report to what is wrong, settings to those that are not defaults, an explanation to what to do |
//! | `@repair` | runs the last `setup` again, and shows what it did |
//! | `@connect USER` | an MCP client from nothing to a tool call; `seen.txt` and `token.txt` are kept |
//! | `@quietly-connect USER` | the same, only its last line |
//! | `@graph COMMANDS` | a shell runs them, after everything that the page has it run before the start; `;;` ends a line |
//! | `@set NAME VALUE` | edits `.env` |
//! | `@expect TEXT`, `@absent TEXT` | is, or is not, in what was just printed |

mod client;
mod stage;

use std::fmt::Write as _;
use std::fs;

use entragate_emulator::fixtures::ADM;
use stage::Stage;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/journey/page.md");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/journey.md");
/// Wider commands are broken before an option.
const WIDTH: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_is_as_the_page_tells_it() {
    let source = fs::read_to_string(SOURCE).expect("the page's source");
    let mut journey = Journey {
        stage: Stage::new().await,
        page: String::new(),
        printed: String::new(),
        secret: None,
        setup: String::new(),
        preparation: preparation(&source),
        wrong: Vec::new(),
    };
    for (number, line) in source.lines().enumerate() {
        match line.strip_prefix('@') {
            Some(task) => {
                let (what, rest) = task.split_once(' ').unwrap_or((task, ""));
                journey.perform(what, rest, number + 1).await;
            }
            None => journey.line(line),
        }
    }
    let Journey { page, wrong, .. } = journey;
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the program")]
    if std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(PAGE, &page).expect("the page can be written");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let there = fs::read_to_string(PAGE).unwrap_or_default();
    let differs = there.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(
        there == page,
        "docs/guide/journey.md is stale: run `UPDATE_DOCS=1 cargo test -p entragate-cli journey`; first difference: {differs:#?}"
    );
}

struct Journey {
    stage: Stage,
    page: String,
    /// By the task before.
    printed: String,
    /// The client secret, while another one stands in `.env`.
    secret: Option<String>,
    /// The last `setup`.
    setup: String,
    /// What the page has everybody type before the start.
    preparation: String,
    /// What was not as the page says it is.
    wrong: Vec<String>,
}

impl Journey {
    fn line(&mut self, line: &str) {
        self.page.push_str(line);
        self.page.push('\n');
    }

    fn block(&mut self, kind: &str, text: &str) {
        for secret in self.stage.secret().iter().chain(&self.secret) {
            assert!(!text.contains(secret), "a secret was printed:\n{text}");
        }
        let text = self.stage.stable(text.trim_end());
        let gap = if self.page.ends_with("```\n") { "\n" } else { "" };
        let _ = write!(self.page, "{gap}```{kind}\n{text}\n```\n");
    }

    async fn perform(&mut self, what: &str, rest: &str, line: usize) {
        match what {
            "start" | "again" => {
                if what == "again" {
                    self.stage.stop(rest).await;
                }
                self.printed = self.stage.start(rest).await;
                let shown = match what {
                    "again" => format!("$ entragate {rest}   # after Ctrl-C"),
                    _ => format!("$ entragate {rest}\n{}", terse(&self.printed)),
                };
                self.block("console", &shown);
            }
            "stop" => self.stage.stop(rest).await,
            "run" | "brief" => {
                let (code, command) = rest.split_once(' ').expect("an exit code and a command");
                self.run(code.parse().expect("an exit code"), command, line).await;
                let shown = match what {
                    "brief" if command.contains(" config check") => chosen(&self.printed),
                    "brief" if command.contains(" explain ") => unsourced(&self.printed),
                    "brief" => wrong(&self.printed),
                    _ => self.printed.clone(),
                };
                self.block("console", &format!("$ {}\n{shown}", broken(command)));
            }
            "repair" => {
                let command = self.setup.clone();
                self.run(0, &command, line).await;
                let done: Vec<_> = self.printed.lines().filter(|line| line.starts_with('✓')).collect();
                self.block("console", &format!("$ entragate setup … --apply\n…\n{}\n…", done.join("\n")));
            }
            "connect" | "quietly-connect" => {
                let seen = client::connect(&self.stage.mcp_url(), rest).await;
                let keep = |name: &str, text: &str| {
                    fs::write(self.stage.directory.join(name), text).expect("a file");
                };
                keep("seen.txt", &seen.text);
                keep("token.txt", seen.token.as_deref().unwrap_or_default());
                let last = seen.text.lines().last().unwrap_or_default().to_owned();
                let shown = if what == "connect" { seen.text.clone() } else { last };
                self.block("text", &shown);
                self.printed = seen.text;
            }
            "graph" => {
                let commands = rest.replace(" ;; ", "\n");
                let printed = self.stage.shell(&format!("{}\n{commands}", self.preparation)).await;
                assert!(printed.code == 0, "page.md:{line}: exit code {}\n{}", printed.code, printed.text);
                self.block("sh", &commands);
            }
            "set" => {
                let (name, value) = rest.split_once(' ').expect("a name and a value");
                let new = match value {
                    "<secret-id>" => self.stage.secret_id(),
                    "<secret-value>" => self.secret.take().expect("the one before"),
                    plain => plain.to_owned(),
                };
                let old = self.stage.set(name, &new);
                if name == "AZURE_CLIENT_SECRET" && value == "<secret-id>" {
                    self.secret = Some(old);
                }
                self.block("sh", &format!("{name}={value}   # in .env, then: set -a; . ./.env; set +a"));
            }
            "expect" if !self.printed.contains(rest) => {
                self.wrong.push(format!("page.md:{line}: {rest:?} is not in:\n{}", self.printed));
            }
            "absent" if self.printed.contains(rest) => {
                self.wrong.push(format!("page.md:{line}: {rest:?} is in:\n{}", self.printed));
            }
            "expect" | "absent" => {}
            other => panic!("page.md:{line}: there is no task {other}"),
        }
    }

    async fn run(&mut self, code: i32, command: &str, line: usize) {
        let (command, input) = match command.split_once(" < ") {
            Some((command, file)) => (command, Some(file)),
            None => (command, None),
        };
        let command = command.replace("$ADMIN", ADM);
        let command = command.strip_prefix("entragate ").expect("our own binary");
        // Words in quotation marks are one.
        let words = command.split('"').enumerate().flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        let printed = self.stage.run(&words.collect::<Vec<_>>(), input).await;
        if printed.code != code {
            self.wrong
                .push(format!("page.md:{line}: {command}: exit code {}\n{}", printed.code, printed.text));
        }
        self.printed = printed.text;
        if command.starts_with("setup ") {
            self.setup = format!("entragate {command}");
        }
    }
}

/// What stands in the blocks for the shell before the first chapter.
fn preparation(source: &str) -> String {
    let before = source.split("\n## 1.").next().expect("a beginning");
    let blocks = before.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("an end")).collect()
}

/// A command in lines that fit.
fn broken(command: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (at, part) in command.split(" --").enumerate() {
        let part = if at == 0 { part.to_owned() } else { format!("--{part}") };
        if at > 0 && width + part.len() > WIDTH {
            text.push_str(" \\\n    ");
            width = 4;
        } else if at > 0 {
            text.push(' ');
        }
        width += part.len() + 1;
        text.push_str(&part);
    }
    text
}

/// The findings of a report that are errors or warnings, and its last line.
fn wrong(report: &str) -> String {
    let blocks: Vec<_> = report.trim_end().split("\n\n").collect();
    let (last, others) = blocks.split_last().expect("a report");
    let is_wrong = |block: &&&str| ["error:", "warning:"].iter().any(|word| block.starts_with(word));
    let found: Vec<_> = others.iter().filter(is_wrong).map(|block| format!("{block}\n\n")).collect();
    format!("…\n{}{last}", found.concat())
}

/// The settings that somebody chose.
fn chosen(table: &str) -> String {
    let lines = table.lines().filter(|line| !line.trim_end().ends_with("default"));
    lines.collect::<Vec<_>>().join("\n")
}

/// An explanation without its sources and the ids of the attempt.
fn unsourced(explanation: &str) -> String {
    let lines = explanation.lines().take_while(|line| !line.starts_with("  source"));
    lines.chain(["  …"]).collect::<Vec<_>>().join("\n")
}

/// What a program says at its start, without what is for other journeys.
fn terse(said: &str) -> String {
    let lines = said.lines().take_while(|line| !line.starts_with("Start the gateway"));
    lines.collect::<Vec<_>>().join("\n")
}
