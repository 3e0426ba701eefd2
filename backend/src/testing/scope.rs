//! Servers that end with the test program, however that ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

/// Ends process `pid` and removes `dir` once this program is gone.
///
/// Statics are never dropped, and a panic or a signal runs no destructor: so a small watcher holds the other end of a pipe
/// and acts when it closes.
pub fn end_with_this_program(pid: u32, signal: &str, dir: &Path) -> ChildStdin {
    let script = "cat >/dev/null; kill -$1 $2; n=0; \
                  while kill -0 $2 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; rm -rf \"$3\"";
    #[expect(clippy::zombie_processes, reason = "it outlives this program on purpose")]
    let mut watcher = Command::new("sh")
        .args(["-c", script, "sh", signal, &pid.to_string()])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What ends the group of the tests (Ctrl-C, a time limit) must not end the watcher before its work.
        .process_group(0)
        .spawn()
        .expect("sh is there");
    watcher.stdin.take().expect("it was piped")
}
