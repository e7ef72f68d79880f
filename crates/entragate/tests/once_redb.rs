//! What the store on disk has acknowledged survives a process that is killed in the middle of writing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use entragate::once::{Once as _, Redb};

/// The directory of the process that is to be killed; without it that test does nothing.
const DIRECTORY: &str = "ENTRAGATE_TEST_ONCE_REDB";
/// Makes its keys different from those of its predecessors.
const ROUND: &str = "ENTRAGATE_TEST_ONCE_REDB_ROUND";
const HOUR: Duration = Duration::from_secs(3_600);
const WRITERS: usize = 8;

/// Gone afterwards, also when the test fails.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Dead afterwards, also when the test fails.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_killed_process_has_kept_what_it_acknowledged() {
    let name = format!("entragate-once-redb-{}", std::process::id());
    let scratch = Scratch(std::env::temp_dir().join(name));
    let mut acknowledged = Vec::new();
    for round in 1..=4 {
        acknowledged.extend(until_killed(&scratch.0, &format!("{round}"), round * 60));
        let store = Redb::open(&scratch.0).unwrap();
        let epoch = store.epoch().await.unwrap();
        for line in &acknowledged {
            match line.split_once(' ') {
                Some(("epoch", was)) => assert_eq!(was, epoch),
                Some(("kept", key)) => {
                    assert_eq!(store.get(key).await.unwrap().as_deref(), Some(key.as_bytes()), "{key}");
                }
                Some(("took", key)) => assert_eq!(store.get(key).await.unwrap(), None, "{key}"),
                _ => panic!("{line}"),
            }
        }
    }
    assert!(acknowledged.iter().any(|line| line.starts_with("took")));
}

/// What another process says that it has written and taken, up to the line in which it was killed.
fn until_killed(directory: &Path, round: &str, enough: usize) -> Vec<String> {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Writer(child);
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        // Without its end it was cut off; what the harness says is not ours.
        let Some(line) = line.strip_suffix('\n') else { break };
        if ["epoch ", "kept ", "took "].iter().any(|word| line.starts_with(word)) {
            lines.push(line.to_owned());
        }
        if lines.len() == enough {
            child.0.kill().unwrap();
        }
    }
    assert!(lines.len() >= enough, "it ended by itself after {lines:?}");
    lines
}

#[tokio::test]
async fn child_writes() {
    let Some(directory) = environment(DIRECTORY) else { return };
    let round = environment(ROUND).unwrap();
    let store = Arc::new(Redb::open(Path::new(&directory)).unwrap());
    say(&format!("\nepoch {}", store.epoch().await.unwrap()));
    let writers = (0..WRITERS).map(|writer| {
        let (store, round) = (store.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let key = format!("{round}-{writer}-{number}");
                assert!(store.swap(&key, None, key.as_bytes(), HOUR).await.unwrap());
                if number % 3 == 0 {
                    assert!(store.take(&key).await.unwrap().is_some());
                    say(&format!("took {key}"));
                } else {
                    say(&format!("kept {key}"));
                }
            }
        })
    });
    futures_util::future::join_all(writers).await;
}

/// One write for the whole line: what was said is out of the process.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[expect(clippy::disallowed_methods, reason = "set by the other test of this file, for its own child")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
