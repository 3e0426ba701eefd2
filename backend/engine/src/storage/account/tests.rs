use super::*;
use crate::storage::StorageKind;
use crate::storage::http::QUICK;
use crate::storage::time::Time;
use crate::testing::VirtualTime;
use crate::testing::fake::{self, FakeServer, Fault, Record, Reply, Request, Service};
use crate::testing::until;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::MutexGuard;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// An API at `/api` that takes the access tokens which `/token` has given out, and a token endpoint that rotates refresh tokens: an old one
/// is refused.
#[derive(Default)]
struct Provided {
    valid: BTreeSet<String>,
    refresh: String,
    issued: u32,
    /// `/token` refuses with this.
    refusal: Option<Reply>,
    /// `/api` refuses every token.
    deaf: bool,
}

struct Endpoint(Arc<Mutex<Provided>>);

impl Service for Endpoint {
    fn answer(&self, request: &Request) -> Reply {
        let mut state = lock(&self.0);
        if request.path == "/api" {
            let good = request.bearer().is_some_and(|token| state.valid.contains(token)) && !state.deaf;
            return Reply::json(if good { 200 } else { 401 }, &json!({}));
        }
        if let Some(refusal) = &state.refusal {
            return refusal.clone();
        }
        if request.form().get("refresh_token") != Some(&state.refresh) {
            return Reply::json(400, &json!({"error": "invalid_grant"}));
        }
        state.issued += 1;
        let (access, refresh) = (format!("access-{}", state.issued), format!("refresh-{}", state.issued));
        state.valid.insert(access.clone());
        state.refresh = refresh.clone();
        Reply::json(200, &json!({"access_token": access, "refresh_token": refresh, "expires_in": 3600}))
    }
}

/// What the store keeps, and the order in which it was asked.
struct Store {
    grant: Mutex<Grant>,
    told: Mutex<Vec<String>>,
    /// `save` fails so often.
    broken: Mutex<u32>,
    /// Done by the first `save`, before it.
    meanwhile: Mutex<Option<Grant>>,
}

#[async_trait::async_trait]
impl GrantStore for Store {
    async fn load(&self) -> Result<Grant> {
        Ok(lock(&self.grant).clone())
    }

    async fn save(&self, grant: &Grant) -> Result<bool> {
        if let Some(linked) = lock(&self.meanwhile).take() {
            *lock(&self.grant) = linked;
        }
        let mut broken = lock(&self.broken);
        if *broken > 0 {
            *broken -= 1;
            return Err(Error::new(ErrorKind::Unavailable, "the database is away"));
        }
        let mut stored = lock(&self.grant);
        let fits = stored.generation == grant.generation;
        lock(&self.told).push(format!("save {} {fits}", grant.refresh_token.expose()));
        if fits {
            *stored = grant.clone();
        }
        Ok(fits)
    }

    async fn lost(&self, message: &str) {
        lock(&self.told).push(format!("lost: {message}"));
    }

    async fn works(&self) {
        lock(&self.told).push("works".into());
    }
}

struct World {
    server: FakeServer,
    provided: Arc<Mutex<Provided>>,
    store: Arc<Store>,
    time: VirtualTime,
    account: Arc<Account>,
}

impl World {
    /// Linked, with an access token that has run out.
    async fn new() -> World {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let provided = Arc::new(Mutex::new(Provided { refresh: "refresh-0".into(), ..Provided::default() }));
        let record = Record::default();
        let time = record.time.clone();
        let server = FakeServer::start(Arc::new(Endpoint(Arc::clone(&provided))), record).await.unwrap();
        let store = Arc::new(Store {
            grant: Mutex::new(grant("access-0", "refresh-0", 1, time.now())),
            told: Mutex::default(),
            broken: Mutex::default(),
            meanwhile: Mutex::default(),
        });
        let account = account(&server, &store, &time);
        World { server, provided, store, time, account }
    }

    async fn call(&self) -> Result<Answer> {
        call(&self.account, &self.server).await
    }

    fn told(&self) -> Vec<String> {
        lock(&self.store.told).clone()
    }

    fn refreshes(&self) -> usize {
        self.server.record().count("POST", "/token")
    }
}

fn grant(access: &str, refresh: &str, generation: i64, expires: DateTime<Utc>) -> Grant {
    Grant {
        access_token: Secret::new(access),
        access_expires_at: expires,
        refresh_token: Secret::new(refresh),
        generation,
    }
}

fn account(server: &FakeServer, store: &Arc<Store>, time: &VirtualTime) -> Arc<Account> {
    let url = |path: &str| format!("{}{path}", server.url()).parse().unwrap();
    let provider = Provider {
        kind: StorageKind::OneDrive,
        name: "The Provider",
        authorize_url: url("/authorize"),
        token_url: url("/token"),
        scopes: &[],
        authorize_extra: &[],
        scope_at_refresh: false,
        unauthorized: |answer| {
            (answer.header("x-final").is_some())
                .then(|| Error::new(ErrorKind::NeedsRelink, "The user is suspended."))
        },
    };
    let app = App { client_id: "client".into(), client_secret: Secret::new("client-secret") };
    let store: Arc<dyn GrantStore> = store.clone();
    Account::new(Http::new().unwrap(), Arc::new(time.clone()), provider, app, store)
}

async fn call(account: &Arc<Account>, server: &FakeServer) -> Result<Answer> {
    let url: reqwest::Url = format!("{}/api", server.url()).parse().unwrap();
    account.call(QUICK, |token| account.http.get(url.clone()).bearer_auth(token.expose())).await
}

#[tokio::test]
async fn a_rotated_refresh_token_is_saved_before_its_access_token_is_used() {
    let world = World::new().await;
    assert_eq!(world.call().await.unwrap().status, 200);
    assert_eq!(world.told(), ["save refresh-1 true", "works"]);
    world.call().await.unwrap();
    assert_eq!(world.refreshes(), 1, "a token that holds is kept");
    world.time.advance(TimeDelta::minutes(56));
    world.call().await.unwrap();
    assert_eq!(world.refreshes(), 2, "with less than five minutes left no call is begun");
    assert_eq!(lock(&world.store.grant).refresh_token.expose(), "refresh-2");
    assert_eq!(world.told(), ["save refresh-1 true", "works", "save refresh-2 true"]);
}

#[tokio::test]
async fn a_grant_that_another_server_has_refreshed_is_taken_from_the_store() {
    let world = World::new().await;
    lock(&world.provided).valid.insert("access-9".into());
    *lock(&world.store.grant) = grant("access-9", "refresh-9", 1, world.time.now() + TimeDelta::hours(1));
    world.call().await.unwrap();
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn many_tasks_refresh_once() {
    let world = World::new().await;
    let calls = (0..20).map(|_| world.call());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|a| a.status == 200)));
    assert_eq!(world.refreshes(), 1);
    // The same when the API refuses what all of them hold.
    lock(&world.provided).valid.clear();
    let calls = (0..20).map(|_| world.call());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|a| a.status == 200)));
    assert_eq!(world.refreshes(), 2);
    assert_eq!(world.told().iter().filter(|told| *told == "works").count(), 1);
}

#[tokio::test]
async fn a_refresh_goes_on_when_its_caller_is_gone() {
    let world = World::new().await;
    let delay = fake::Action::Delay(Duration::from_millis(150));
    world.server.plan(Fault::once("POST", "/token", delay));
    let given_up = tokio::time::timeout(Duration::from_millis(50), world.call()).await;
    assert!(given_up.is_err());
    until("another task came so far", || world.told() == ["save refresh-1 true"]).await;
    world.call().await.unwrap();
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_grant_that_is_gone_is_told_each_time_and_once_when_it_works_again() {
    let world = World::new().await;
    world.call().await.unwrap();
    lock(&world.provided).refresh = "another".into();
    world.time.advance(TimeDelta::hours(2));
    for _ in 0..2 {
        let error = world.call().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NeedsRelink);
        assert_eq!(world.told().last().unwrap(), &format!("lost: {}", error.message));
    }
    assert_eq!(world.told().len(), 4);
    *lock(&world.store.grant) = grant("access-0", "another", 2, world.time.now());
    world.call().await.unwrap();
    world.call().await.unwrap();
    assert_eq!(world.told()[4..], ["save refresh-2 true", "works"]);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_too_means_that_the_link_is_gone() {
    let world = World::new().await;
    world.call().await.unwrap();
    lock(&world.provided).deaf = true;
    let error = world.call().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NeedsRelink);
    assert!(error.message.contains("The Provider rejects the link. Link the account again."), "{error}");
    assert_eq!(world.refreshes(), 2, "one more token was tried");
    assert_eq!(world.told().last().unwrap(), &format!("lost: {}", error.message));
}

#[tokio::test]
async fn a_401_that_is_final_is_not_answered_with_a_refresh() {
    let world = World::new().await;
    world.call().await.unwrap();
    let reply = Reply::status(401).with("x-final", "1");
    world.server.plan(Fault::once("GET", "/api", fake::Action::Answer(reply)));
    let error = world.call().await.unwrap_err();
    assert_eq!(error.message, "The user is suspended.");
    assert_eq!(world.refreshes(), 1);
    assert_eq!(world.told().last().unwrap(), "lost: The user is suspended.");
}

#[tokio::test]
async fn what_was_refreshed_before_a_new_link_does_not_overwrite_it() {
    let world = World::new().await;
    let linked = grant("access-new", "refresh-new", 2, world.time.now() + TimeDelta::hours(1));
    lock(&world.provided).valid.insert("access-new".into());
    *lock(&world.store.meanwhile) = Some(linked);
    world.call().await.unwrap();
    assert_eq!(world.told(), ["save refresh-1 false", "works"]);
    assert_eq!(lock(&world.store.grant).refresh_token.expose(), "refresh-new");
    assert_eq!(world.server.record().requests().last().unwrap().bearer(), Some("access-new"));
}

/// A new link ends the old one: the refresh that was under way is refused, and that says nothing about the new link.
#[tokio::test]
async fn a_refresh_that_a_new_link_overtook_does_not_report_the_new_one_as_lost() {
    let world = World::new().await;
    lock(&world.provided).refresh = "refresh-new".into();
    let delay = fake::Action::Delay(Duration::from_millis(100));
    world.server.plan(Fault::once("POST", "/token", delay));
    let relink = async {
        until("another task came so far", || world.refreshes() == 1).await;
        *lock(&world.store.grant) = grant("access-0", "refresh-new", 2, world.time.now());
    };
    let (answer, ()) = tokio::join!(world.call(), relink);
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(world.told(), ["save refresh-1 true", "works"]);
}

#[tokio::test]
async fn an_account_that_is_linked_again_and_again_is_left_for_later() {
    struct Restless(Store);
    #[async_trait::async_trait]
    impl GrantStore for Restless {
        async fn load(&self) -> Result<Grant> {
            // Every refresh is taken, and every save comes too late.
            self.0.load().await
        }
        async fn save(&self, _: &Grant) -> Result<bool> {
            Ok(false)
        }
        async fn lost(&self, message: &str) {
            self.0.lost(message).await;
        }
        async fn works(&self) {
            self.0.works().await;
        }
    }
    let world = World::new().await;
    let reply = Reply::json(200, &json!({"access_token": "a", "expires_in": 3600}));
    lock(&world.provided).refusal = Some(reply);
    let store = Restless(Store {
        grant: Mutex::new(lock(&world.store.grant).clone()),
        told: Mutex::default(),
        broken: Mutex::default(),
        meanwhile: Mutex::default(),
    });
    let template = account(&world.server, &world.store, &world.time);
    let restless = Account::new(
        template.http.clone(),
        template.time.clone(),
        template.provider.clone(),
        template.app.clone(),
        Arc::new(store),
    );
    let error = call(&restless, &world.server).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(world.refreshes(), 3);
}

/// With rotation, the token that a refresh brought is the only one that is valid: a database that is away for a moment must not lose it.
#[tokio::test]
async fn a_refresh_that_could_not_be_saved_is_saved_later_and_not_used_before() {
    let world = World::new().await;
    *lock(&world.store.broken) = 2;
    for _ in 0..2 {
        let error = world.call().await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Unavailable, "the database is away"));
    }
    assert_eq!(world.server.record().count("GET", "/api"), 0, "it is not used before it is saved");
    world.call().await.unwrap();
    assert_eq!(world.refreshes(), 1);
    assert_eq!(world.told(), ["save refresh-1 true", "works"]);
}

#[tokio::test]
async fn a_pause_is_kept_by_all_tasks_of_the_account() {
    let world = World::new().await;
    world.call().await.unwrap();
    let reply = Reply::status(429).with("retry-after", "90");
    world.server.plan(Fault::once("GET", "/api", fake::Action::Answer(reply)));
    assert_eq!(world.call().await.unwrap().status, 429, "what it means is the driver's to say");
    let begun = world.time.now();
    let calls = (0..5).map(|_| world.call());
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert!(world.time.now() - begun >= TimeDelta::seconds(90));
    world.server.record().assert_clean();
}

#[tokio::test]
async fn a_pause_that_the_token_endpoint_asks_for_is_kept_too() {
    let world = World::new().await;
    let reply = Reply::status(503).with("retry-after", "120");
    world.server.plan(Fault::once("POST", "/token", fake::Action::Answer(reply)));
    let retry_after = Some(Duration::from_secs(120));
    let calls = futures_util::future::join_all((0..4).map(|_| world.call())).await;
    let failed: Vec<_> = calls.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "the others have waited");
    assert_eq!(failed[0].kind, ErrorKind::RateLimited { retry_after });
    assert_eq!(world.refreshes(), 2);
    world.server.record().assert_clean();
}

#[tokio::test]
async fn no_pause_is_longer_than_a_quarter_of_an_hour_and_none_is_shortened() {
    let world = World::new().await;
    let begun = world.time.now();
    world.account.close_for(Duration::from_secs(86_400));
    world.account.close_for(Duration::from_secs(1));
    world.account.pause().await;
    assert_eq!(world.time.now() - begun, TimeDelta::minutes(15));
    world.account.pause().await;
    assert_eq!(world.time.now() - begun, TimeDelta::minutes(15));
}

/// An access token outlives its grant for up to an hour.
#[tokio::test]
async fn a_call_from_before_a_loss_does_not_take_it_back() {
    let world = World::new().await;
    world.call().await.unwrap();
    let delay = fake::Action::Delay(Duration::from_millis(100));
    world.server.plan(Fault::once("GET", "/api", delay));
    let loss = async {
        until("another task came so far", || world.server.record().count("GET", "/api") == 2).await;
        world.account.refused().await
    };
    let (answer, error) = tokio::join!(world.call(), loss);
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(world.told().last().unwrap(), &format!("lost: {}", error.message));
    world.call().await.unwrap();
    assert_eq!(world.told().last().unwrap(), "works");
}

#[tokio::test]
async fn what_is_read_as_it_comes_gets_a_fresh_token_and_keeps_pauses_too() {
    let world = World::new().await;
    world.call().await.unwrap();
    lock(&world.provided).valid.clear();
    let url: reqwest::Url = format!("{}/api", world.server.url()).parse().unwrap();
    let read = || {
        let account = &world.account;
        account.stream(|token| account.http.get(url.clone()).bearer_auth(token.expose()))
    };
    assert!(read().await.unwrap().is_ok());
    assert_eq!(world.refreshes(), 2);
    let reply = Reply::status(429).with("retry-after", "30");
    world.server.plan(Fault::once("GET", "/api", fake::Action::Answer(reply)));
    assert_eq!(read().await.unwrap().err().unwrap().status, 429);
    assert!(read().await.unwrap().is_ok());
    world.server.record().assert_clean();
    lock(&world.provided).deaf = true;
    assert_eq!(read().await.err().unwrap().kind, ErrorKind::NeedsRelink);
}

#[tokio::test]
async fn the_provider_has_the_last_word_about_a_fresh_token_too() {
    for streaming in [false, true] {
        let world = World::new().await;
        // The first token is refused without a word, the second with one.
        let refusal = |reply: Reply| Fault::once("GET", "/api", fake::Action::Answer(reply));
        world.server.plan(refusal(Reply::status(401)));
        world.server.plan(refusal(Reply::status(401).with("x-final", "1")));
        let error = if streaming {
            let url: reqwest::Url = format!("{}/api", world.server.url()).parse().unwrap();
            let get = |token: &Secret| world.account.http.get(url.clone()).bearer_auth(token.expose());
            world.account.stream(get).await.map(|_| ()).unwrap_err()
        } else {
            world.call().await.map(|_| ()).unwrap_err()
        };
        assert_eq!(error.message, "The user is suspended.", "streaming: {streaming}");
        assert_eq!(world.told().last().unwrap(), "lost: The user is suspended.", "streaming: {streaming}");
    }
}

#[tokio::test]
async fn a_sign_in_page_of_a_proxy_says_nothing_about_the_link() {
    let world = World::new().await;
    let page = Reply::text(401, "<html>Please sign in to the network</html>");
    world.server.plan(Fault::always("GET", "/api", fake::Action::Answer(page)));
    let error = world.call().await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(!world.told().iter().any(|told| told.starts_with("lost")), "{:?}", world.told());
}

#[tokio::test]
async fn a_download_that_begins_proves_that_the_grant_works() {
    let world = World::new().await;
    let url: reqwest::Url = format!("{}/api", world.server.url()).parse().unwrap();
    let get = |token: &Secret| world.account.http.get(url.clone()).bearer_auth(token.expose());
    assert!(world.account.stream(get).await.unwrap().is_ok());
    assert_eq!(world.told(), ["save refresh-1 true", "works"]);
}
