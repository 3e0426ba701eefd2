//! The `storekeep` binary.

use rustix::fs::Mode;
use std::process::ExitCode;
use storekeep::cli::{self, Cli};

fn main() -> ExitCode {
    // Dumps and the metadata database hold customers' data: nobody but the server's user and group reads new files.
    let inherited = rustix::process::umask(Mode::from_raw_mode(0o027));
    rustix::process::umask(inherited | Mode::from_raw_mode(0o027));
    storekeep::crypto::install_providers();
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(cli::run(cli))) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("storekeep: {error:#}");
            ExitCode::FAILURE
        }
    }
}
