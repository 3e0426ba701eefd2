//! Servers of tests that end with the test, however that ends.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Where the scripts keep the servers that they fetch or build.
pub fn cache() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "where the user's cache is, is no setting of ours")]
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.unwrap_or_default().join("storekeep")
}

const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Runs the server, ends it as soon as its input does (when the test drops it, and when the test is killed), and removes its folder.
const SUPERVISE: &str = r#"
dir=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
(
    read -r _ <&3
    kill -9 "$server"
    while kill -0 "$server" 2>/dev/null; do sleep 0.02; done
    rm -rf "$dir"
) &
exec 3<&-
wait "$server"
"#;

/// A running server. Dropping it ends it, and removes its folder.
#[derive(Debug)]
pub struct Supervised {
    child: Child,
}

impl Supervised {
    /// Starts `program`; `prepare` adds its arguments, its environment, and where its output goes.
    ///
    /// # Errors
    /// When there is no shell.
    pub fn start(dir: &Path, program: &OsStr, prepare: impl FnOnce(&mut Command)) -> io::Result<Supervised> {
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISE, "sh"]).arg(dir).arg(program);
        prepare(&mut command);
        // What ends the group of the tests must not end the supervisor before its work.
        let child = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        Ok(Supervised { child })
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > STOP_LIMIT {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
