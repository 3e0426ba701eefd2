//! The whole permission table on one screen: one row per route.
//!
//! The server mounts handlers by these rows and refuses every request that has none; the console shows a control
//! only where the row allows it; the tests walk `ALL`.

use crate::acl::Resource::*;
use crate::endpoint::{Access::*, Endpoint, Method::*, Row};
use crate::*;

macro_rules! endpoints {
    ($($name:ident: $req:ty => $res:ty = $id:literal, $method:expr, $path:literal, $access:expr;)*) => {
        $(pub const $name: Endpoint<$req, $res> = Endpoint::new($id, $method, $path, $access);)*
        /// Every row of the product.
        pub const ALL: &[Row] = &[$($name.row),*];
    };
}

endpoints! {
    GET_SETUP: () => SetupStatus = "get_setup", Get, "/api/v1/setup", Public;
    SETUP: SetupInput => Session = "setup", Post, "/api/v1/setup", Public;

    LOGIN: LoginInput => Session = "login", Post, "/api/v1/auth/login", Public;
    REFRESH: RefreshInput => Session = "refresh", Post, "/api/v1/auth/refresh", Public;
    LOGOUT: () => () = "logout", Post, "/api/v1/auth/logout", Public;
    GET_ME: () => Me = "get_me", Get, "/api/v1/auth/me", SignedIn;
    CHANGE_PASSWORD: PasswordInput => Session = "change_password", Put, "/api/v1/auth/password", SignedIn;

    GET_CONFIG: () => Settings = "get_config", Get, "/api/v1/config", Require(Config);
    SAVE_CONFIG: SettingsInput => Settings = "save_config", Put, "/api/v1/config", Require(Config);

    GET_ALERTS: () => Alerts = "get_alerts", Get, "/api/v1/alerts", Require(Config);
    SAVE_ALERTS: AlertsInput => Alerts = "save_alerts", Put, "/api/v1/alerts", Require(Config);
    TEST_ALERT: AlertTestInput => AlertTestReport = "test_alert", Post, "/api/v1/alerts/test", Require(Config);

    GET_SOURCE: () => SourceReport = "get_source", Get, "/api/v1/source", Require(Backups);

    LIST_BACKUPS: () => BackupSetPage = "list_backups", Get, "/api/v1/backups", Require(Backups);
    CREATE_BACKUP: BackupSetInput => BackupSet = "create_backup", Post, "/api/v1/backups", Require(BackupsSave);
    GET_BACKUP: () => BackupSet = "get_backup", Get, "/api/v1/backups/{id}", Require(Backups);
    UPDATE_BACKUP: BackupSetInput => BackupSet = "update_backup", Put, "/api/v1/backups/{id}", Require(BackupsSave);
    DELETE_BACKUP: () => () = "delete_backup", Delete, "/api/v1/backups/{id}", Require(BackupsDelete);
    RUN_BACKUP: RunInput => BackupLog = "run_backup", Post, "/api/v1/backups/{id}/runs", Require(BackupsRun);

    PREVIEW_SCHEDULE: () => SchedulePreview = "preview_schedule", Get, "/api/v1/schedule", Require(Backups);

    LIST_STORAGES: () => StorageSetPage = "list_storages", Get, "/api/v1/storages", Require(Storages);
    CREATE_STORAGE: StorageSetInput => StorageSet = "create_storage", Post, "/api/v1/storages", Require(StoragesSave);
    LIST_STORAGE_OPTIONS: () => StorageOptions = "list_storage_options", Get, "/api/v1/storages/options", AnyOf(&[Backups, BackupsSave, Storages]);
    GET_STORAGE: () => StorageSet = "get_storage", Get, "/api/v1/storages/{id}", Require(Storages);
    UPDATE_STORAGE: StorageSetInput => StorageSet = "update_storage", Put, "/api/v1/storages/{id}", Require(StoragesSave);
    DELETE_STORAGE: () => () = "delete_storage", Delete, "/api/v1/storages/{id}", Require(StoragesDelete);
    TEST_STORAGE: StorageTestInput => StorageTestReport = "test_storage", Post, "/api/v1/storages/{id}/test", Require(StoragesSave);
    LINK_STORAGE: StorageLinkInput => StorageLink = "link_storage", Post, "/api/v1/storages/{id}/link", Require(StoragesSave);
    OAUTH_CALLBACK: () => () = "oauth_callback", Get, "/oauth/callback", Public;

    LIST_LOGS: () => BackupLogPage = "list_logs", Get, "/api/v1/logs", Require(Logs);
    GET_LOG: () => BackupLog = "get_log", Get, "/api/v1/logs/{id}", Require(Logs);
    WATCH_LOG: () => LogProgress = "watch_log", Get, "/api/v1/logs/{id}/events", Require(Logs);
    CANCEL_LOG: () => BackupLog = "cancel_log", Post, "/api/v1/logs/{id}/cancel", Require(BackupsRun);
    RETRY_LOG: () => BackupLog = "retry_log", Post, "/api/v1/logs/{id}/retry", Require(BackupsRun);
    DOWNLOAD_ARCHIVE: () => () = "download_archive", Get, "/api/v1/logs/{id}/archives/{name}", Require(Archives);

    LIST_NOTIFICATIONS: () => NotificationPage = "list_notifications", Get, "/api/v1/notifications", SignedIn;
    DISMISS_NOTIFICATION: () => () = "dismiss_notification", Post, "/api/v1/notifications/{id}/dismiss", SignedIn;

    LIST_USERS: () => UserPage = "list_users", Get, "/api/v1/users", Require(Users);
    CREATE_USER: UserInput => User = "create_user", Post, "/api/v1/users", Require(Users);
    GET_USER: () => User = "get_user", Get, "/api/v1/users/{id}", Require(Users);
    UPDATE_USER: UserInput => User = "update_user", Put, "/api/v1/users/{id}", Require(Users);
    DELETE_USER: () => () = "delete_user", Delete, "/api/v1/users/{id}", Require(Users);

    LIST_ROLES: () => RolePage = "list_roles", Get, "/api/v1/roles", Require(Users);
    CREATE_ROLE: RoleInput => Role = "create_role", Post, "/api/v1/roles", Require(Users);
    GET_ROLE: () => Role = "get_role", Get, "/api/v1/roles/{id}", Require(Users);
    UPDATE_ROLE: RoleInput => Role = "update_role", Put, "/api/v1/roles/{id}", Require(Users);
    DELETE_ROLE: () => () = "delete_role", Delete, "/api/v1/roles/{id}", Require(Users);

    HEALTHZ: () => Health = "healthz", Get, "/healthz", Public;
    READYZ: () => Health = "readyz", Get, "/readyz", Public;
    METRICS: () => () = "metrics", Get, "/metrics", Public;
    GET_OPENAPI: () => serde_json::Value = "get_openapi", Get, "/api/openapi.json", Public;
}
