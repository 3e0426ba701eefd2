//! The command line.

use crate::app::{self, App};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, LogConfig, LogFormat, warn_about_unknown, without_empty_variables};
use crate::crypto::{OpaqueToken, Passwords};
use crate::demo;
use crate::keyring;
use crate::runs::{self, Instance, Where};
use crate::serve::{self, INTERRUPT, Signals};
use crate::users::{self, UsersService};
use anyhow::{Context, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use contract::{BackupLog, Check, OverallStatus, RowStatus, RunInput};
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a pass that is ended gets to clean up, beyond the time it may still take.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// Scheduled, multi-destination backups of Magento 2 stores.
#[derive(Debug, Parser)]
#[command(name = "storekeep", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Brings the metadata database up to date, then serves the console and the API.
    Serve(Box<Config>),
    /// Brings the metadata database up to date.
    Migrate(Box<Config>),
    /// Runs a pass of one Backup Set. Exit code 0: success, 2: partial, 1: failed or not started.
    Run(Box<Run>),
    /// Prints the OpenAPI document.
    Openapi,
    /// Makes a demo store to try the product on, and keeps its database running.
    Demo(Demo),
    /// Looks after users from a shell on the server.
    #[command(subcommand)]
    User(UserCommand),
    /// Looks after the key that protects stored credentials.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Asks a running server whether it can work; exit code 0 when it can.
    Healthcheck(Healthcheck),
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Gives a user a new password, and ends all of their sessions.
    ResetPassword(Box<ResetPassword>),
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Makes a new key and encrypts every stored credential with it. Stop the server first; access tokens and API tokens that were issued
    /// before are void afterwards.
    Rotate(Box<Config>),
}

#[derive(Debug, Args)]
pub struct ResetPassword {
    /// The user's name.
    username: String,
    /// Reads the new password from standard input (one line) instead of making and printing a random one.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// An empty or new directory, or the one of an earlier demo store.
    #[arg(long, value_name = "DIR", default_value = "./demo-store")]
    dir: PathBuf,
    #[command(flatten)]
    log: LogConfig,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The id, the title or the folder name of the Backup Set.
    set: String,
    /// Waits for the end of the pass when a server runs on this data directory. Without a server this command runs the
    /// pass itself, to its end.
    #[arg(long)]
    wait: bool,
    /// Shown in the log: a git sha, a release.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Args)]
pub struct Healthcheck {
    /// The address and port of the server.
    #[arg(long, env = "STOREKEEP_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
}

impl Cli {
    /// The arguments and variables of this process. What ends it here, `--help` or a mistake, is printed; its exit code is the
    /// error. A mistake is 1: 2 would mean a partial pass.
    pub fn read() -> Result<Cli, ExitCode> {
        let matches = without_empty_variables(Cli::command()).try_get_matches();
        matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
            let mistake = error.use_stderr();
            // Whoever closed the output does not want to read it.
            let _ = error.print();
            if mistake { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        })
    }
}

impl Command {
    fn log(&self) -> Option<&LogConfig> {
        match self {
            Command::Serve(config) | Command::Migrate(config) => Some(&config.log),
            Command::User(UserCommand::ResetPassword(args)) => Some(&args.config.log),
            Command::Key(KeyCommand::Rotate(config)) => Some(&config.log),
            Command::Run(args) => Some(&args.config.log),
            Command::Demo(args) => Some(&args.log),
            Command::Openapi | Command::Healthcheck(_) => None,
        }
    }
}

/// Runs one command to its end.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Some(log) = cli.command.log() {
        start_logging(log)?;
        warn_about_unknown(&Cli::command());
    }
    let clock: SharedClock = Arc::new(SystemClock);
    match cli.command {
        Command::Serve(config) => serve_until_stopped(*config, clock).await?,
        Command::Migrate(config) => {
            app::open_database(&config.without_empty_values()).await?;
            tracing::info!("the metadata database is up to date");
        }
        Command::Demo(args) => demo::keep(&args.dir).await?,
        Command::Run(args) => return run_pass(*args, clock).await,
        Command::Openapi => print(&app::document()?.pretty()?)?,
        Command::User(UserCommand::ResetPassword(args)) => reset_password(*args, clock).await?,
        Command::Key(KeyCommand::Rotate(config)) => rotate_key(*config, clock).await?,
        Command::Healthcheck(args) => healthcheck(&args.listen).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A stop while the server is still getting ready is as good as one later.
async fn serve_until_stopped(config: Config, clock: SharedClock) -> anyhow::Result<()> {
    let mut config = config.without_empty_values();
    let mut signals = Signals::listen()?;
    let start = async {
        let store = demo::open(&mut config).await?;
        anyhow::Ok((App::assemble(config, clock).await?, store))
    };
    let (app, store) = tokio::select! {
        started = start => started?,
        name = signals.next() => {
            tracing::info!("{name}: stopped before the server was ready");
            return Ok(());
        }
    };
    serve::serve(app, signals).await?;
    if let Some(store) = store {
        demo::close(store).await?;
    }
    Ok(())
}

fn start_logging(log: &LogConfig) -> anyhow::Result<()> {
    // What libraries tell about every worker and migration says nothing to an operator.
    let filter = tracing_subscriber::EnvFilter::try_new(format!(
        "sea_orm_migration=warn,actix_server=warn,{}",
        log.filter
    ))
    .with_context(|| format!("`{}` is not a log filter; try `info`", log.filter))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("logging could not be started: {e}"))
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output is closed")
}

/// Lets the server of the data directory run the pass or, when there is none, runs it here.
async fn run_pass(args: Run, clock: SharedClock) -> anyhow::Result<ExitCode> {
    let config = args.config.without_empty_values();
    let input = RunInput { label: args.label };
    if let Some(wrong) = input.check().first() {
        bail!("--{}: {}", wrong.field, wrong.message);
    }
    served_before(&config)?;
    let place = match runs::is_served(&config.data.data_dir).context("the data directory cannot be read")? {
        true => Where::Server { wait: args.wait },
        false => Where::Here,
    };
    let limit = config.http.stop_timeout();
    let instance = match place {
        Where::Here => {
            Instance::of_command(&config.data.data_dir).context("the data directory cannot be written")?
        }
        Where::Server { .. } => Instance::of_process(),
    };
    let app = App::assemble_as(instance, config, clock).await?;
    let mut signals = Signals::listen()?;
    let pass = app.runs.run_from_shell(&args.set, input.label, place);
    tokio::pin!(pass);
    let log = tokio::select! {
        log = &mut pass => log?,
        name = signals.next() => {
            let limit = if name == INTERRUPT { Duration::ZERO } else { limit };
            stopped(&app, limit, &mut pass).await?
        }
    };
    if place == Where::Here {
        tell(&app).await;
    }
    print(&outcome(&log))?;
    Ok(match log.overall_status {
        OverallStatus::Success | OverallStatus::Pending => ExitCode::SUCCESS,
        OverallStatus::Partial => ExitCode::from(2),
        OverallStatus::Failed => ExitCode::FAILURE,
    })
}

/// No server may run that would send what the pass has put into the outbox. What does not get through now waits for the next process that sends.
async fn tell(app: &App) {
    const LIMIT: Duration = Duration::from_secs(30);
    let telling = async {
        if let Err(error) = app.alerts.deliver().await {
            tracing::error!(%error, "the outbox of messages cannot be worked on");
        }
        app.alerts.finish(LIMIT).await;
    };
    if tokio::time::timeout(LIMIT, telling).await.is_err() {
        tracing::warn!(
            "not every message could be sent in time; the next server or command goes on with them"
        );
    }
}

/// A command that works on what a server made must not silently begin anew in another place.
fn served_before(config: &Config) -> anyhow::Result<()> {
    match config.data.database_file() {
        Some(file) if !file.exists() => bail!(
            "there is no database at {}: no server ever ran with these settings. Set STOREKEEP_DATA_DIR (--data-dir), and \
             STOREKEEP_DATABASE_URL where the service sets it, to what the service has",
            file.display()
        ),
        _ => Ok(()),
    }
}

/// A pass that runs here is ended in order; one of a server goes on without us.
async fn stopped(
    app: &App,
    limit: Duration,
    pass: impl Future<Output = Result<BackupLog, runs::Error>>,
) -> anyhow::Result<BackupLog> {
    let (_, log) = tokio::join!(app.runs.stop(limit), tokio::time::timeout(limit + STOP_GRACE, pass));
    Ok(log.context("stopped; a pass of the server goes on")??)
}

/// What an administrator wants to know at the end.
fn outcome(log: &BackupLog) -> String {
    let status = match log.overall_status {
        OverallStatus::Pending => "is under way",
        OverallStatus::Success => "succeeded",
        OverallStatus::Partial => "is partial: something could not be backed up",
        OverallStatus::Failed => "failed",
    };
    let mut text = format!("Pass {} of '{}' {status}.\n", log.id, log.backup_title);
    for row in log.storages.iter().filter(|r| r.status == RowStatus::Failed) {
        text += &format!("  {}: {}\n", row.title, row.message);
    }
    for message in log.error_message.iter().chain(log.warnings.iter().map(|w| &w.message)).take(20) {
        text += &format!("  {message}\n");
    }
    if let Some(path) = &log.copy_path {
        text += &format!("  Copy: {path}\n");
    }
    text
}

async fn reset_password(args: ResetPassword, clock: SharedClock) -> anyhow::Result<()> {
    let made = OpaqueToken::random();
    let given = if args.password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("the password cannot be read")?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        None
    };
    let password = given.as_deref().unwrap_or(&made.expose()[..20]);
    let length = password.chars().count() as u64;
    if !(contract::MIN_PASSWORD..=contract::MAX_PASSWORD).contains(&length) {
        bail!("use {} to {} characters", contract::MIN_PASSWORD, contract::MAX_PASSWORD);
    }
    let config = args.config.without_empty_values();
    served_before(&config)?;
    let db = app::open_database(&config).await?;
    match UsersService::new(db, clock, Passwords::new()?).reset_password(&args.username, password).await {
        Err(users::Error::NoSuchUsername) => bail!("there is no user named `{}`", args.username),
        other => other?,
    }
    if given.is_some() {
        print("The password is changed.\n")
    } else {
        print(&format!("The new password is: {password}\n"))
    }
}

async fn rotate_key(config: Config, clock: SharedClock) -> anyhow::Result<()> {
    let config = config.without_empty_values();
    let db = app::open_database(&config).await?;
    let rotated = keyring::rotate(&db, &config, clock).await?;
    let mut text = format!(
        "The key in {} is a new one; {} stored secrets are encrypted with it.\n\
         Everybody has to sign in again, or is signed in anew by their browser; every API token issued before is void: make new ones.\n\
         Servers on the same database that have the key in a file of their own need the new one. A backup of the metadata database from \
         before needs the old key.\n",
        rotated.path.display(),
        rotated.secrets
    );
    if rotated.unreadable > 0 {
        text += &format!(
            "{} secrets could not be read with the old key and were left as they are: the Storage Sets and the channels of alerts say which have to be entered again.\n",
            rotated.unreadable
        );
    }
    print(&text)
}

/// One plain request; a whole HTTP client would be much for it.
async fn healthcheck(listen: &str) -> anyhow::Result<()> {
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(reachable(listen)).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 << 10).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), ask)
        .await
        .with_context(|| format!("the server at {listen} does not answer"))?
        .with_context(|| format!("the server at {listen} cannot be reached"))?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    bail!("the server at {listen} is not ready: {}", answer.lines().next().unwrap_or("no answer"))
}

/// The address to ask of a server that listens on every address.
fn reachable(listen: &str) -> String {
    match listen.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]", port)) => format!("localhost:{port}"),
        _ => listen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_has_a_flag_a_variable_and_a_help_text() {
        for arg in Cli::command().find_subcommand("serve").unwrap().get_arguments() {
            let Some(flag) = arg.get_long().filter(|l| *l != "help") else { continue };
            let variable = arg.get_env().map(|e| e.to_string_lossy().into_owned());
            let expected = format!("STOREKEEP_{}", flag.replace('-', "_").to_uppercase());
            assert_eq!(variable, Some(expected), "--{flag}");
            assert!(arg.get_help().is_some(), "--{flag}");
        }
    }

    #[test]
    fn help_never_shows_the_value_of_a_secret() {
        let secret =
            ["magento_database_url", "database_url", "encryption_key", "setup_token", "metrics_token"];
        let mut seen = 0;
        for arg in Cli::command().find_subcommand("serve").unwrap().get_arguments() {
            let id = arg.get_id().as_str();
            let sounds_secret = ["url", "key", "token", "password"].iter().any(|w| id.contains(w));
            let harmless = id.ends_with("_base_url") || ["public_url", "encryption_key_file"].contains(&id);
            assert_eq!(secret.contains(&id), sounds_secret && !harmless, "{id}");
            if secret.contains(&id) {
                assert!(arg.is_hide_env_values_set(), "{id}");
                seen += 1;
            }
        }
        assert_eq!(seen, secret.len());
    }
}
