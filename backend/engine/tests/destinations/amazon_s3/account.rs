//! Keys, rights, regions, clocks, quotas: what an administrator has to put right.

use super::world::{KEY, World, answer, error, garage, large};
use crate::support::{bytes, put};
use chrono::{DateTime, TimeDelta, Utc};
use engine::storage::amazon_s3::{Settings, Tuning};
use engine::storage::time::{SystemTime, Time};
use engine::storage::{Cloud, ErrorKind, Secret};
use engine::testing::fake::{Action, Fault, Reply};
use std::sync::Arc;
use std::time::Duration;

/// What a Set without a single good setting may do: nothing, and every call says the same.
async fn assert_all_refuse(world: &World, settings: Settings, kind: ErrorKind, text: &str) {
    let storage = world.storage_of(settings);
    world.assert_told(&put(&*storage, "small", b"x").await.unwrap_err(), kind.clone(), text);
    world.assert_told(&storage.put(KEY, &bytes(&large())).await.unwrap_err(), kind.clone(), text);
    world.assert_told(&storage.stat("small").await.unwrap_err(), kind.clone(), text);
    world.assert_told(&storage.list("").await.unwrap_err(), kind.clone(), text);
    world.assert_told(&storage.open("small", 0).await.err().unwrap(), kind.clone(), text);
    world.assert_told(&storage.delete("small").await.unwrap_err(), kind, text);
    world.assert_end(&[]).await;
}

pub async fn a_wrong_secret_is_told_apart_from_missing_rights() {
    let world = World::new().await;
    let settings = Settings { secret_access_key: Secret::new("0".repeat(64)), ..world.settings() };
    let error = world.cloud_of(settings.clone()).about().await.unwrap_err();
    world.assert_told(&error, ErrorKind::InvalidConfig, "the secret access key is wrong");
    assert_all_refuse(&world, settings, ErrorKind::InvalidConfig, "the secret access key is wrong").await;
}

pub async fn an_unknown_access_key_is_named() {
    let world = World::new().await;
    let unknown = format!("GK{}", "0".repeat(24));
    let settings = Settings { access_key_id: unknown.clone(), ..world.settings() };
    let error = world.cloud_of(settings.clone()).about().await.unwrap_err();
    world.assert_told(&error, ErrorKind::InvalidConfig, &unknown);
    assert_all_refuse(&world, settings, ErrorKind::InvalidConfig, &unknown).await;
}

pub async fn a_wrong_region_names_the_right_one() {
    let world = World::new().await;
    let settings = Settings { region: "us-east-1".into(), ..world.settings() };
    assert_all_refuse(&world, settings.clone(), ErrorKind::InvalidConfig, "Set the storage's region to")
        .await;
    let error = world.storage_of(settings).list("").await.unwrap_err();
    world.assert_told(&error, ErrorKind::InvalidConfig, "garage");
}

pub async fn a_bucket_elsewhere_names_its_region() {
    let world = World::new().await;
    let elsewhere = error(301, "PermanentRedirect", "use another endpoint");
    let elsewhere = elsewhere.with("x-amz-bucket-region", "eu-central-1");
    world.plan(Fault::always("", "/", Action::Answer(elsewhere)));
    let text = "Set the storage's region to `eu-central-1`";
    assert_all_refuse(&world, world.settings(), ErrorKind::InvalidConfig, text).await;
    assert_eq!(world.count("", "/"), 0, "no request without a method");
}

pub async fn a_missing_bucket_is_never_made() {
    let world = World::new().await;
    let storage = world.cloud().storage("no-such-bucket/x", world.sessions.clone()).unwrap();
    let text = "There is no bucket `no-such-bucket`";
    let invalid = ErrorKind::InvalidConfig;
    world.assert_told(&put(&*storage, "small", b"x").await.unwrap_err(), invalid.clone(), text);
    world.assert_told(&storage.put(KEY, &bytes(&large())).await.unwrap_err(), invalid.clone(), text);
    world.assert_told(&storage.stat("small").await.unwrap_err(), invalid.clone(), text);
    world.assert_told(&storage.list("").await.unwrap_err(), invalid.clone(), text);
    world.assert_told(&storage.delete("small").await.unwrap_err(), invalid, text);
    let made =
        world.proxy.record().requests().into_iter().any(|r| r.method == "PUT" && !r.path.contains("x/"));
    assert!(!made, "nobody asked for a bucket");
    world.assert_end(&[]).await;
}

pub async fn a_key_that_may_only_read_is_told_what_it_lacks() {
    let world = World::new().await;
    world.plant("set/there", b"content").await;
    let rights = garage().await.account(&world.bucket, &["--read"]).unwrap();
    let storage = world.storage_of(Settings { endpoint: world.settings().endpoint, ..rights });
    let denied = ErrorKind::PermissionDenied;
    world.assert_told(&put(&*storage, "small", b"x").await.unwrap_err(), denied.clone(), "s3:PutObject");
    world.assert_told(&storage.put(KEY, &bytes(&large())).await.unwrap_err(), denied.clone(), "s3:PutObject");
    world.assert_told(&storage.delete("set/there").await.unwrap_err(), denied.clone(), "s3:DeleteObject");
    let both = ["set/there", "set/too"].map(str::to_owned);
    world.assert_told(&storage.delete_all(&both).await.unwrap_err(), denied, "s3:DeleteObject");
    assert_eq!(storage.stat("set/there").await.unwrap().size_bytes, 7);
    world.assert_end(&[("set/there", b"content")]).await;
}

pub async fn a_key_that_may_only_write_is_told_what_it_lacks() {
    let world = World::new().await;
    let rights = garage().await.account(&world.bucket, &["--write"]).unwrap();
    let storage = world.storage_of(Settings { endpoint: world.settings().endpoint, ..rights });
    put(&*storage, "small", b"x").await.unwrap();
    let denied = ErrorKind::PermissionDenied;
    world.assert_told(&storage.stat("small").await.unwrap_err(), denied.clone(), "s3:ListBucket");
    world.assert_told(&storage.list("").await.unwrap_err(), denied.clone(), "s3:ListBucket");
    world.assert_told(&storage.open("small", 0).await.err().unwrap(), denied, "s3:GetObject");
    world.assert_end(&[("small", b"x")]).await;
}

pub async fn an_account_that_may_not_list_buckets_is_fine() {
    let world = World::new().await;
    for refusal in [answer(403, "AccessDenied"), answer(501, "NotImplemented")] {
        world.once("GET", "max-buckets", refusal);
        assert_eq!(world.cloud().about().await.unwrap().name, world.settings().access_key_id);
    }
    world.once("GET", "max-buckets", answer(503, "ServiceUnavailable"));
    assert_eq!(world.cloud().about().await.unwrap_err().kind, ErrorKind::Unavailable);
    world.assert_end(&[]).await;
}

pub async fn a_full_bucket_is_told_and_left_clean() {
    let garage = garage().await;
    garage.command(&["bucket", "create", "small-bucket"]).unwrap();
    let settings = garage.account("small-bucket", &["--read", "--write", "--owner"]).unwrap();
    garage.command(&["bucket", "set-quotas", "--max-size", "100KiB", "small-bucket"]).unwrap();
    let world = World::of("small-bucket", settings.clone()).await;
    let settings = Settings { endpoint: world.settings().endpoint, ..settings };
    let storage = world.storage_of(settings);
    put(&*storage, "small", b"x").await.unwrap();
    let error = storage.put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::QuotaExceeded, "no room left");
    storage.abandon(KEY).await.unwrap();
    world.assert_end(&[("small", b"x")]).await;
}

/// The machine's clock, wrongly set.
struct Off(TimeDelta);

#[async_trait::async_trait]
impl Time for Off {
    fn now(&self) -> DateTime<Utc> {
        SystemTime.now() + self.0
    }

    async fn sleep(&self, duration: Duration) {
        SystemTime.sleep(duration).await;
    }
}

pub async fn a_clock_that_is_off_is_made_up_for() {
    let mut world = World::new().await;
    // This server refuses what is older than a day; Amazon, a quarter of an hour.
    let signing_time: Option<Arc<dyn Time>> = Some(Arc::new(Off(TimeDelta::hours(-72))));
    world.tuning = Tuning { signing_time, ..world.tuning };
    let storage = world.storage();
    put(&*storage, "small", b"x").await.unwrap();
    assert_eq!(world.count("PUT", "small"), 2, "refused, and signed anew");
    storage.put(KEY, &bytes(&large())).await.unwrap();
    assert_eq!(world.count("PUT", "partNumber="), 5, "the right time is known from then on");
    world.assert_end(&[(KEY, &large()), ("small", b"x")]).await;
}

pub async fn a_clock_that_cannot_be_made_up_for_is_told() {
    let world = World::new().await;
    let skewed = |date: &str| error(403, "RequestTimeTooSkewed", "too large").with("date", date);
    world.plan(Fault::always("PUT", "small", Action::Answer(skewed("Thu, 01 Jan 2015 00:00:00 GMT"))));
    let error = put(&*world.storage(), "small", b"x").await.unwrap_err();
    world.assert_told(&error, ErrorKind::InvalidConfig, "The clocks of this server and of 127.0.0.1");
    assert!(error.message.contains("NTP") && error.message.contains("days"), "{error}");
    world.assert_end(&[]).await;
}

pub async fn nobody_answers() {
    let world = World::new().await;
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let endpoint = format!("http://127.0.0.1:{port}").parse().ok();
    let settings = Settings { endpoint, ..world.settings() };
    let text = format!("127.0.0.1:{port} cannot be reached");
    let storage = world.storage_of(settings);
    world.assert_told(&put(&*storage, "x", b"x").await.unwrap_err(), ErrorKind::Unavailable, &text);
    world.assert_told(&storage.list("").await.unwrap_err(), ErrorKind::Unavailable, &text);
    world.assert_end(&[]).await;
}

pub async fn an_archive_class_has_to_be_restored_first() {
    let world = World::new().await;
    world.plant("set/cold", b"x").await;
    world.once("GET", "set/cold", answer(403, "InvalidObjectState"));
    let error = world.storage().open("set/cold", 0).await.err().unwrap();
    world.assert_told(&error, ErrorKind::Unreadable, "Restore it there first");
    world.assert_end(&[("set/cold", b"x")]).await;
}

pub async fn a_locked_object_stays() {
    let world = World::new().await;
    put(&*world.storage(), "held", b"x").await.unwrap();
    let worm = error(400, "InvalidRequest", "Object is WORM protected and cannot be overwritten");
    world.once("DELETE", "held", Action::Answer(worm));
    let error = world.storage().delete("held").await.unwrap_err();
    world.assert_told(&error, ErrorKind::PermissionDenied, "held by object lock or a retention rule");
    world.assert_end(&[("held", b"x")]).await;
}

pub async fn versions_are_told_of() {
    let world = World::new().await;
    let storage = world.storage();
    assert_eq!(storage.notes().await.unwrap(), Vec::<String>::new(), "nothing to tell of this server");
    let xml = |root: &str, body: &str| {
        let body = format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{body}</{root}>");
        Action::Answer(
            Reply { body: body.into(), ..Reply::status(200) }.with("content-type", "application/xml"),
        )
    };
    let enabled = || xml("VersioningConfiguration", "<Status>Enabled</Status>");
    world.once("GET", "versioning", enabled());
    world.once(
        "GET",
        "object-lock",
        xml("ObjectLockConfiguration", "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"),
    );
    let notes = storage.notes().await.unwrap();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].contains("NoncurrentVersionExpiration") && notes[1].contains("object lock"),
        "{notes:?}"
    );
    world.once("GET", "versioning", enabled());
    let rule = "<Rule><ID>x</ID><Status>Enabled</Status><Filter/><NoncurrentVersionExpiration><NoncurrentDays>1\
                </NoncurrentDays></NoncurrentVersionExpiration></Rule>";
    world.once("GET", "lifecycle", xml("LifecycleConfiguration", rule));
    assert_eq!(storage.notes().await.unwrap(), Vec::<String>::new(), "older versions go by themselves");
    // Hidden is deleted, as far as a copy is concerned.
    put(&*storage, "old", b"x").await.unwrap();
    world.once("DELETE", "old", Action::Answer(Reply::status(204).with("x-amz-delete-marker", "true")));
    storage.delete("old").await.unwrap();
    storage.delete("old").await.unwrap();
    world.assert_end(&[]).await;
}

pub async fn a_storage_class_that_is_unknown_there_leaves_nothing() {
    let world = World::new().await;
    world.once("POST", "uploads", answer(400, "InvalidStorageClass"));
    let settings = Settings { storage_class: Some("LUKEWARM".into()), ..world.settings() };
    let error = world.storage_of(settings).put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::InvalidConfig, "no such storage class");
    world.assert_end(&[]).await;
}
