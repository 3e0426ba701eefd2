//! Serving: binding, printing where to go, and stopping in good order.

use crate::app::App;
use crate::auth::RefreshCookie;
use crate::http::console_is_built_in;
use actix_web::HttpServer;
use anyhow::{Context, bail};
use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub const INTERRUPT: &str = "SIGINT";
/// How long a stop waits for the pings of passes that it ended.
const LAST_PINGS: Duration = Duration::from_secs(5);

/// What tells a command to end.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these signals end nothing by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => INTERRUPT,
        }
    }
}

/// Serves until a signal comes, then lets requests end within the configured time.
pub async fn serve(app: App, mut signals: Signals) -> anyhow::Result<()> {
    let listen = &app.config.http.listen;
    let listener = TcpListener::bind(listen).with_context(|| {
        format!("the server cannot listen on {listen}; is the address free and this machine's own?")
    })?;
    let address = listener.local_addr()?;
    let public_url = app.config.http.public_url(address);
    let cookie = RefreshCookie::new(&public_url);
    let gateway = app.gateway(&public_url)?;
    warn_about(&app, &public_url);

    tokio::select! {
        recovered = app.runs.recover() => {
            recovered.context("the passes of the server before this one could not be brought to an end")?;
        }
        name = signals.next() => {
            tracing::info!("{name}: stopped before the server was ready");
            return close(app).await;
        }
    }
    let stop = gateway.stopping.clone();
    let queue = tokio::spawn({
        let (runs, stop) = (app.runs.clone(), stop.clone());
        async move { runs.work(stop).await }
    });
    let ticks = tokio::spawn(app.scheduler.clone().run(stop.clone()));
    let tidy = tokio::spawn(app.storages.clone().keep_tidy(stop.clone()));
    let messages = tokio::spawn(app.alerts.clone().keep_delivering(stop.clone()));

    let timeout = app.config.http.stop_timeout();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    let application = app.clone();
    let server = HttpServer::new(move || application.application(&gateway, cookie))
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(timeout.as_secs())
        .listen(listener)?
        .run();
    let handle = server.handle();
    let mut running = tokio::spawn(server);
    greet(&app, address, &public_url).await?;

    tokio::select! {
        name = signals.next() => tracing::info!("{name}: stopping"),
        ended = &mut running => {
            ended.context("the server broke off")??;
            bail!("the server ended without being told to");
        }
    }
    stop.cancel();
    let passes = async {
        // Nothing is started any more once these have ended.
        let _ = tokio::join!(queue, ticks, tidy, messages);
        app.runs.stop(timeout).await;
        app.alerts.finish(LAST_PINGS).await;
    };
    tokio::select! {
        _ = async { tokio::join!(handle.stop(true), passes) } => {}
        _ = signals.interrupt.recv() => bail!("interrupted a second time: stopped without waiting"),
    }
    running.await.context("the server broke off")??;
    close(app).await
}

async fn close(app: App) -> anyhow::Result<()> {
    app.db.close().await.context("the metadata database could not be closed")?;
    tracing::info!("stopped");
    Ok(())
}

fn warn_about(app: &App, public_url: &str) {
    if !console_is_built_in() {
        tracing::warn!("this binary was built without the console; the API works, the pages do not");
    }
    if app.config.store.magento_root.is_none() {
        tracing::warn!("no Magento root is configured; set STOREKEEP_MAGENTO_ROOT before running a backup");
    }
    if public_url.starts_with("http://") && RefreshCookie::new(public_url).is_secure() {
        tracing::warn!(
            "the public URL {public_url} is not https: passwords travel in clear, and browsers will not keep people signed in"
        );
    }
}

/// For whoever started the server, on standard output; log lines go to standard error.
async fn greet(app: &App, address: std::net::SocketAddr, public_url: &str) -> anyhow::Result<()> {
    let mut text = format!("Storekeep listens on http://{address}\n");
    if public_url != format!("http://{address}") {
        text += &format!("Browsers reach it at {public_url}\n");
    }
    if app.auth.setup_needed().await? {
        text += &match app.setup_token.to_print() {
            Some(token) => format!(
                "\nNo administrator exists yet. Open {public_url} and enter this one-time set-up token:\n\n    {token}\n\n"
            ),
            None => format!(
                "\nNo administrator exists yet. Open {public_url} and enter the set-up token that you chose.\n\n"
            ),
        };
    }
    let mut out = std::io::stdout().lock();
    // Whoever closed standard output does not want to read it.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(())
}
