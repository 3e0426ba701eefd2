//! The composition root: config → database → services → http.

use crate::alerts::{self, AlertsService};
use crate::auth::{self, AuthService, Gate, RefreshCookie, SetupToken, TokenKey};
use crate::backups::{self, BackupsService};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::crypto::{Passwords, Sealer};
use crate::db::{self, Db};
use crate::health::{self, HealthService};
use crate::http::{self, Api, Document, Gateway, MountFaults, TrustedProxies};
use crate::keyring;
use crate::logs::{self, Hub, LogsService};
use crate::metrics::{self, MetricsService};
use crate::notifications::{self, NotificationsService};
use crate::redact::Redactor;
use crate::runs::{self, Instance, Place, Rooms, RunsService};
use crate::scheduler::Scheduler;
use crate::settings::{self, OperatorFacts, SettingsService};
use crate::source::{self, SourceService};
use crate::storages::{self, BaseUrls, Clouds, Drivers, PublicUrl, StoragesService, Vault};
use crate::users::{self, RolesService, UsersService};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::web::{Data, ServiceConfig};
use anyhow::{Context, anyhow};
use engine::source::magento::Source;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, Once};
use tokio_util::sync::CancellationToken;

/// Every service, put together once for a process. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub clock: SharedClock,
    pub db: Db,
    pub setup_token: SetupToken,
    pub auth: AuthService,
    pub users: UsersService,
    pub roles: RolesService,
    pub settings: SettingsService,
    pub health: HealthService,
    pub storages: StoragesService,
    pub backups: BackupsService,
    pub logs: LogsService,
    pub notifications: NotificationsService,
    pub alerts: AlertsService,
    pub metrics: MetricsService,
    pub source: SourceService,
    pub runs: RunsService,
    pub scheduler: Scheduler,
    /// How browsers reach this server, once it listens.
    pub public_url: PublicUrl,
}

/// Mounts every route of the product.
pub fn routes(api: &mut Api) {
    auth::routes(api);
    settings::routes(api);
    alerts::routes(api);
    backups::routes(api);
    storages::routes(api);
    logs::routes(api);
    notifications::routes(api);
    runs::routes(api);
    source::routes(api);
    users::routes(api);
    health::routes(api);
    metrics::routes(api);
}

/// The OpenAPI document, without a database. Fails when a route disagrees with its row.
pub fn document() -> anyhow::Result<Document> {
    let mut api = Api::new();
    routes(&mut api);
    check(&api)?;
    Document::of(&api).context("the OpenAPI document cannot be written")
}

fn check(api: &Api) -> Result<(), MountFaults> {
    api.check(contract::endpoints::ALL)
}

impl App {
    /// Opens the database, brings its schema up to date and puts the services together, for a server.
    pub async fn assemble(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        make_private_dir(&config.data.data_dir)?;
        let dir = config.data.data_dir.display();
        let data_dir = config.data.data_dir.clone();
        // It may wait for a lock.
        let instance = tokio::task::spawn_blocking(move || Instance::of_server(&data_dir))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .with_context(|| format!("the data directory {dir} cannot be used"))?;
        // Boxed: what the databases' drivers nest would become part of the layout of every caller.
        Box::pin(App::assemble_as(instance, config, clock)).await
    }

    /// The same with another identity: of a command that runs beside a server, or without one.
    pub async fn assemble_as(instance: Instance, config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        let clouds = Arc::new(Drivers::new(base_urls(&config)?)?);
        Box::pin(App::assemble_with(instance, config, clock, clouds)).await
    }

    /// The same with other drivers than the engine's.
    pub async fn assemble_with(
        instance: Instance,
        config: Config,
        clock: SharedClock,
        clouds: Arc<dyn Clouds>,
    ) -> anyhow::Result<Self> {
        make_private_dir(&config.data.data_dir)?;
        let db = open_database(&config).await?;
        let master = keyring::open(&db, &config, clock.now()).await?;
        let passwords = Passwords::new()?;
        let users = UsersService::new(db.clone(), clock.clone(), passwords.clone());
        let setup_token = setup_token(&config, users.administrator_exists().await?)?;
        let auth = AuthService::new(
            db.clone(),
            clock.clone(),
            TokenKey::new(&master),
            passwords,
            users.clone(),
            setup_token.clone(),
        );
        let settings = SettingsService::new(db.clone(), operator_facts(&config));
        let redactor = redactor(&config);
        let notifications = NotificationsService::new(db.clone(), clock.clone());
        let guess =
            config.http.public_url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
        let public_url = PublicUrl::new(&guess);
        let storages = StoragesService::new(storages::Parts {
            db: db.clone(),
            clock: clock.clone(),
            vault: Vault::new(Sealer::new(&master, storages::PURPOSE)?, redactor.clone()),
            clouds,
            notifications: notifications.clone(),
            users: users.clone(),
            public_url: public_url.clone(),
        });
        let backups = BackupsService::new(db.clone(), clock.clone(), settings.clone(), storages.clone());
        let hub = Hub::default();
        let place = place(&config)?;
        let logs = LogsService::new(db.clone(), clock.clone(), hub.clone(), place.archive_dir.clone());
        let alerts = AlertsService::new(alerts::Parts {
            db: db.clone(),
            clock: clock.clone(),
            vault: alerts::Vault::new(Sealer::new(&master, alerts::PURPOSE)?, redactor.clone()),
            notifications: notifications.clone(),
            public_url: public_url.clone(),
        });
        let metrics = MetricsService::new(db.clone(), clock.clone(), config.keys.metrics_token.clone());
        let source = SourceService::new(
            place.source.clone(),
            place.archive_dir.clone(),
            redactor.clone(),
            settings.clone(),
        );
        let runs = RunsService::new(Rooms {
            db: db.clone(),
            clock: clock.clone(),
            hub,
            settings: settings.clone(),
            backups: backups.clone(),
            storages: storages.clone(),
            logs: logs.clone(),
            alerts: alerts.clone(),
            metrics: metrics.passes(),
            redactor,
            place,
            instance,
        });
        Ok(App {
            scheduler: Scheduler::new(runs.clone(), settings.clone(), clock.clone()),
            roles: RolesService::new(db.clone()),
            settings,
            storages,
            backups,
            logs,
            notifications,
            public_url,
            alerts,
            metrics,
            source,
            runs,
            health: HealthService::new(db.clone()),
            config: Arc::new(config),
            clock,
            db,
            setup_token,
            auth,
            users,
        })
    }

    /// What the routes share, for a server that is reached at `public_url`.
    pub fn gateway(&self, public_url: &str) -> anyhow::Result<Gateway> {
        self.public_url.set(public_url);
        Ok(Gateway {
            authenticate: Arc::new(Gate(self.auth.clone())),
            document: Arc::new(document()?),
            trusted_proxies: TrustedProxies(self.config.http.trusted_proxies.clone().into()),
            https: public_url.starts_with("https://"),
            https_told: Arc::new(Once::new()),
            stopping: CancellationToken::new(),
        })
    }

    /// The application of one worker.
    pub fn application(
        &self,
        gateway: &Gateway,
        cookie: RefreshCookie,
    ) -> actix_web::App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = actix_web::Error,
            InitError = (),
        > + use<>,
    > {
        let mut api = Api::new();
        routes(&mut api);
        let app = self.clone();
        http::application(gateway, api, Box::new(move |config| app.share(config, cookie)))
    }

    /// What handlers ask for.
    fn share(&self, config: &mut ServiceConfig, cookie: RefreshCookie) {
        config
            .app_data(Data::new(cookie))
            .app_data(Data::new(self.auth.clone()))
            .app_data(Data::new(self.users.clone()))
            .app_data(Data::new(self.roles.clone()))
            .app_data(Data::new(self.settings.clone()))
            .app_data(Data::new(self.health.clone()))
            .app_data(Data::new(self.backups.clone()))
            .app_data(Data::new(self.storages.clone()))
            .app_data(Data::new(self.logs.clone()))
            .app_data(Data::new(self.notifications.clone()))
            .app_data(Data::new(self.alerts.clone()))
            .app_data(Data::new(self.metrics.clone()))
            .app_data(Data::new(self.source.clone()))
            .app_data(Data::new(self.runs.clone()));
    }
}

/// Connects to the metadata database and brings its schema up to date.
pub async fn open_database(config: &Config) -> anyhow::Result<Db> {
    make_private_dir(&config.data.data_dir)?;
    let url = config.data.database_url();
    let db = db::connect(url.expose()).await.map_err(|error| unreachable_database(url.expose(), &error))?;
    db::migrate(&db).await.context("the schema of the metadata database cannot be brought up to date")?;
    Ok(db)
}

/// What a driver says may repeat the URL, and with it the password: then only our own words are told.
fn unreachable_database(url: &str, error: &db::Error) -> anyhow::Error {
    let said = error.to_string();
    let known =
        ["sqlite:", "postgres://", "postgresql://", "mysql://"].iter().any(|scheme| url.starts_with(scheme));
    if !known || said.contains(url) || password_of(url).is_some_and(|p| !p.is_empty() && said.contains(&p)) {
        return anyhow!(
            "STOREKEEP_DATABASE_URL cannot be read; write it as sqlite://FILE, postgres://user:password@host:5432/name \
             or mysql://user:password@host:3306/name"
        );
    }
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    let place = rest.strip_prefix("//").unwrap_or(rest).split('?').next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    anyhow!(
        "the metadata database ({scheme}, {place}) cannot be opened; does it run, and may the server use it? {said}"
    )
}

fn setup_token(config: &Config, administrator_exists: bool) -> anyhow::Result<SetupToken> {
    Ok(match &config.keys.setup_token {
        _ if administrator_exists => SetupToken::used(),
        Some(token) => SetupToken::fixed(token.clone()),
        None => SetupToken::of_data_dir(&config.data.data_dir)?,
    })
}

/// What every pass of this process has in common.
fn place(config: &Config) -> anyhow::Result<Place> {
    let archive_dir =
        std::path::absolute(config.data.archive_dir()).context("the archive directory has no path")?;
    let data_dir = std::path::absolute(&config.data.data_dir).context("the data directory has no path")?;
    let source = config.store.magento_root.as_ref().map(|root| Source {
        root: root.clone(),
        database_url: config.store.magento_database_url.as_ref().map(|url| url.expose().to_owned()),
        environment: config::environment(),
    });
    Ok(Place { source, archive_dir, data_dir, part_size: config.store.part_size })
}

/// Knows the secrets of the configuration.
fn redactor(config: &Config) -> Redactor {
    let urls = [&config.data.database_url, &config.store.magento_database_url];
    let passwords = urls.into_iter().flatten().filter_map(|url| password_of(url.expose()));
    let others = [&config.keys.encryption_key, &config.keys.setup_token, &config.keys.metrics_token];
    Redactor::new(passwords.chain(others.into_iter().flatten().map(|s| s.expose().to_owned())))
}

/// As it stands in `scheme://user:password@host`.
fn password_of(url: &str) -> Option<String> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let (_, password) = authority.rsplit_once('@')?.0.split_once(':')?;
    Some(password.to_owned())
}

fn base_urls(config: &Config) -> anyhow::Result<BaseUrls> {
    let url = |text: &Option<String>| {
        let parsed = text.as_deref().map(engine::storage::http::base_url).transpose();
        parsed.map_err(|error| anyhow!(error))
    };
    Ok(BaseUrls {
        google_drive: url(&config.providers.google_drive_base_url)?,
        one_drive: url(&config.providers.one_drive_base_url)?,
        dropbox: url(&config.providers.dropbox_base_url)?,
    })
}

fn operator_facts(config: &Config) -> OperatorFacts {
    OperatorFacts {
        magento_root: config.store.magento_root.as_ref().map(|p| p.display().to_string()),
        archive_dir: config.data.archive_dir().display().to_string(),
        part_size_bytes: i64::try_from(config.store.part_size).unwrap_or(i64::MAX),
    }
}

/// Of the server's user alone: it holds the key, and copies of customers' data.
pub(crate) fn make_private_dir(dir: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("the data directory {} cannot be made", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("postgres://u:hunter2@127.0.0.1:99999/x", "STOREKEEP_DATABASE_URL cannot be read")]
    #[case("postgres://u:hunter2@[::1/x", "STOREKEEP_DATABASE_URL cannot be read")]
    #[case("garbage hunter2", "STOREKEEP_DATABASE_URL cannot be read")]
    #[case(
        "sqlite:///no/such/folder/x.db?mode=rwc",
        "the metadata database (sqlite, /no/such/folder/x.db) cannot be opened"
    )]
    #[tokio::test]
    async fn a_database_that_cannot_be_opened_is_named_without_its_password(
        #[case] url: &str,
        #[case] says: &str,
    ) {
        let error = db::connect(url).await.unwrap_err();
        let text = format!("{:#}", unreachable_database(url, &error));
        assert!(text.starts_with(says) && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn passwords_are_found_in_urls() {
        assert_eq!(password_of("mysql://u:p@ss@h:1/d").as_deref(), Some("p@ss"));
        assert_eq!(password_of("mysql://u@h/d:x"), None);
        assert_eq!(password_of("sqlite:///a@b:c"), None);
    }
}
