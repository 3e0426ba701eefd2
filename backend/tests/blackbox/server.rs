//! Starting and ending the binary.

use super::store;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub const SETUP_TOKEN: &str = "setup-token-of-the-black-box-tests";

/// One process of `storekeep serve` with a directory of its own. Its whole output is kept, over restarts too.
pub struct Server {
    child: Child,
    pub url: String,
    pub dir: PathBuf,
}

/// How to start one.
pub struct Setup {
    dir: PathBuf,
    settings: Vec<(String, String)>,
    /// A shell command that prepares the mounts of a namespace of its own, in which the server then runs.
    mounts: Option<String>,
    nobody: bool,
    demo: bool,
}

impl Setup {
    /// Serves the shared demo store with data in `dir`.
    pub fn new(dir: &Path) -> Self {
        let root = store::shared().root().display().to_string();
        let setup =
            Setup { dir: dir.to_path_buf(), settings: Vec::new(), mounts: None, nobody: false, demo: false };
        setup.set("STOREKEEP_MAGENTO_ROOT", &root)
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(n, _)| n != name);
        self.settings.push((name.into(), value.into()));
        self
    }

    pub fn mounts(mut self, command: &str) -> Self {
        self.mounts = Some(command.into());
        self
    }

    /// With a demo store of its own instead of the shared one.
    pub fn demo(mut self) -> Self {
        self.settings.retain(|(n, _)| n != "STOREKEEP_MAGENTO_ROOT");
        self.demo = true;
        self
    }

    /// As a user who owns nothing but what it was given. Only root can do that.
    pub fn by_nobody(mut self) -> Self {
        self.nobody = true;
        self
    }

    fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_storekeep");
        let mut command = match &self.mounts {
            None if self.nobody => {
                // The build's directory may be closed to others: nobody runs a copy.
                let copy = self.dir.join("storekeep");
                fs::copy(binary, &copy).unwrap();
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
                    .arg(copy);
                command
            }
            None => Command::new(binary),
            Some(mounts) => {
                // The mounts go with the last process of the namespace.
                let mut command = Command::new("unshare");
                if !rustix::process::geteuid().is_root() {
                    command.arg("--map-root-user");
                }
                command.args(["--mount", "sh", "-ec", &format!("{mounts}; exec \"$0\" \"$@\""), binary]);
                command
            }
        };
        command
            .env("STOREKEEP_DATA_DIR", self.dir.join("data"))
            .env("STOREKEEP_LISTEN", "127.0.0.1:0")
            .env("STOREKEEP_SETUP_TOKEN", SETUP_TOKEN)
            .envs(self.settings.iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::null());
        command
    }

    /// Another command of the binary with the same settings: `run`, `openapi`, …
    pub fn cli(&self, arguments: &[&str]) -> std::process::Output {
        self.command().args(arguments).output().expect("the binary starts")
    }

    /// A command that goes on; its output is added to that of the server.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        fs::create_dir_all(&self.dir).unwrap();
        let log = File::options().create(true).append(true).open(self.dir.join("output")).unwrap();
        let output = log.try_clone().unwrap();
        self.command().args(arguments).stdout(output).stderr(log).spawn().expect("the binary starts")
    }

    /// What every process of this directory has said.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("output")).unwrap_or_default()).into_owned()
    }

    /// Starts `serve` and waits until it is ready: the first start of a demo store makes it.
    pub fn start(&self) -> Server {
        fs::create_dir_all(&self.dir).unwrap();
        let output = self.dir.join("output");
        let log = File::options().create(true).append(true).open(&output).unwrap();
        let before = fs::metadata(&output).unwrap().len() as usize;
        let mut command = self.command();
        command.arg("serve").args(self.demo.then_some("--demo")).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().expect("the binary starts");
        let mut server = Server { child, url: String::new(), dir: self.dir.clone() };
        let began = Instant::now();
        loop {
            let text = fs::read(&output).unwrap();
            let text = String::from_utf8_lossy(&text[before..]).into_owned();
            if let Some(url) = address(&text) {
                server.url = url;
                if ureq::get(format!("{}/readyz", server.url)).call().is_ok() {
                    return server;
                }
            }
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < Duration::from_secs(if self.demo { 120 } else { 30 }),
                "the server did not become ready ({ended:?}):\n{text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The first `http://127.0.0.1:PORT` with a real port that the server printed.
fn address(text: &str) -> Option<String> {
    const HEAD: &str = "http://127.0.0.1:";
    text.match_indices(HEAD).find_map(|(at, _)| {
        let rest = &text[at + HEAD.len()..];
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        // Half a line may be there: something has to follow the digits.
        (port.len() < rest.len() && port.parse::<u16>().is_ok_and(|p| p > 0)).then(|| format!("{HEAD}{port}"))
    })
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn archives(&self) -> PathBuf {
        self.dir.join("data/archives")
    }

    /// The directory as the server sees it, whatever it has mounted there.
    pub fn inside(&self, path: &Path) -> PathBuf {
        Path::new("/proc").join(self.pid().to_string()).join("root").join(path.strip_prefix("/").unwrap())
    }

    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("output")).unwrap()).into_owned()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it had ended by itself: {status:?}\n{}", self.output());
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and how it ended within a minute.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it ignored SIGTERM for a minute:\n{}",
                self.output()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            let output = fs::read(self.dir.join("output")).unwrap_or_default();
            eprintln!("--- the server's output:\n{}", String::from_utf8_lossy(&output));
        }
    }
}
