//! A Redis or Valkey server from PATH that ends with its test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use entragate::Secret;

pub(crate) struct Server {
    child: Child,
    port: u16,
    is_tls: bool,
    directory: PathBuf,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(false)
    }

    /// With a self-signed certificate for localhost.
    pub(crate) fn start_tls() -> Self {
        Self::start_with(true)
    }

    fn start_with(is_tls: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("once-redis-{}-{number}", std::process::id());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&directory).unwrap();
        if is_tls {
            let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(directory.join("cert.pem"), key.cert.pem()).unwrap();
            std::fs::write(directory.join("key.pem"), key.signing_key.serialize_pem()).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(port, is_tls, &directory);
        let server = Self { child, port, is_tls, directory };
        server.wait();
        server
    }

    pub(crate) fn url(&self) -> Secret {
        let (scheme, host) = if self.is_tls { ("rediss", "localhost") } else { ("redis", "127.0.0.1") };
        Secret::new(format!("{scheme}://{host}:{}", self.port))
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.join("cert.pem")
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port, with nothing remembered.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, self.is_tls, &self.directory);
        self.wait();
    }

    /// Stops answering, without closing a connection.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// What the server's own command line client prints.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let mut command = tool(&["redis-cli", "valkey-cli"]);
        command.args(["-p", &self.port.to_string()]);
        if self.is_tls {
            command.args(["--tls", "--cacert"]).arg(self.certificate()).args(["-h", "localhost"]);
        }
        let output = command.args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn wait(&self) {
        for _ in 0..100 {
            if self.cli(&["PING"]) == "PONG" {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the Redis server on port {} does not answer", self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

fn spawn(port: u16, is_tls: bool, directory: &Path) -> Child {
    let mut command = tool(&["redis-server", "valkey-server"]);
    let (plain, tls) = if is_tls { (0, port) } else { (port, 0) };
    command.args(["--port", &plain.to_string()]);
    if is_tls {
        command.args(["--tls-port", &tls.to_string(), "--tls-auth-clients", "no"]);
        command.args(["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"]);
    }
    command
        .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"])
        .current_dir(directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The first of these programs that there is.
fn tool(names: &[&str]) -> Command {
    let exists = |name: &&&str| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    match names.iter().find(exists) {
        Some(name) => Command::new(name),
        None => panic!("none of {names:?} is in PATH: install Redis or Valkey to run these tests"),
    }
}
