//! Many objects in one call.

use super::world::{World, answer, error};
use crate::support::{pattern, put};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Reply};

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Three archives and one that stays.
async fn world() -> World {
    let world = World::new().await;
    for name in ["copy/a", "copy/b & <c>+é", "copy/d", "kept"] {
        put(&*world.storage(), name, &pattern(10, 1)).await.unwrap();
    }
    world
}

fn all() -> Vec<String> {
    keys(&["copy/a", "copy/b & <c>+é", "copy/d"])
}

async fn assert_gone(world: &World) {
    world.assert_end(&[("kept", &pattern(10, 1))]).await;
}

fn result(errors: &[(&str, &str, &str)]) -> Action {
    let errors: String = errors
        .iter()
        .map(|(key, code, message)| {
            format!("<Error><Key>{key}</Key><Code>{code}</Code><Message>{message}</Message></Error>")
        })
        .collect();
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{errors}\
         </DeleteResult>"
    );
    Action::Answer(Reply { body: xml.into(), ..Reply::status(200) }.with("content-type", "application/xml"))
}

pub async fn a_batch_is_one_call() {
    let world = world().await;
    world.storage().delete_all(&all()).await.unwrap();
    assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (1, 0));
    assert_gone(&world).await;
    world.storage().delete_all(&all()).await.unwrap();
    assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (2, 0), "absent is fine");
    world.storage().delete_all(&[]).await.unwrap();
    world.storage().delete_all(&keys(&["kept"])).await.unwrap();
    assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (2, 1), "one needs no batch");
    world.assert_end(&[]).await;
}

/// Amazon wants one of the newer kind or the MD5; many servers know the MD5 alone, and some no call without it.
pub async fn a_batch_has_checksums_of_both_kinds() {
    for like_amazon in [false, true] {
        let mut world = world().await;
        world.tuning.like_amazon = Some(like_amazon);
        world.storage().delete_all(&all()).await.unwrap();
        let requests = world.proxy.record().requests();
        let batch = requests.iter().find(|r| r.query.contains_key("delete")).unwrap();
        assert_eq!(batch.header("content-md5").map(str::len), Some(24));
        assert_eq!(batch.header("x-amz-checksum-crc32").map(str::len), Some(8));
        assert_gone(&world).await;
    }
}

pub async fn more_than_a_call_takes_go_in_several() {
    let world = world().await;
    let names: Vec<String> = (0..8).map(|n| format!("many/{n}")).collect();
    for name in &names {
        put(&*world.storage(), name, b"x").await.unwrap();
    }
    world.storage().delete_all(&[names, all()].concat()).await.unwrap();
    assert_eq!(world.count("POST", "delete"), 4, "three a call");
    assert_gone(&world).await;
}

pub async fn failures_inside_of_a_success_are_told() {
    let world = world().await;
    let whole = world.object("copy/a");
    let denied = ErrorKind::PermissionDenied;
    for (code, message, kind, text) in [
        ("AccessDenied", "Access Denied", denied.clone(), whole.as_str()),
        ("AccessDenied", "Access Denied", denied.clone(), "s3:DeleteObject"),
        ("AccessDenied", "object protected by object lock", denied.clone(), "held by object lock"),
        (
            "InvalidRequest",
            "Object is WORM protected and cannot be overwritten",
            denied,
            "held by object lock",
        ),
        ("InternalError", "We encountered an internal error", ErrorKind::Unavailable, &whole),
        ("SlowDown", "", ErrorKind::RateLimited { retry_after: None }, "less often"),
        ("ServiceUnavailable", "", ErrorKind::Unavailable, &whole),
        ("", "", ErrorKind::Unavailable, &whole),
        ("Teapot", "short and stout", ErrorKind::Other, "Teapot: short and stout"),
    ] {
        world.once("POST", "delete", result(&[(&whole, code, message)]));
        let error = world.storage().delete_all(&all()).await.unwrap_err();
        world.assert_told(&error, kind, text);
    }
    // What may pass comes again, and what does not is told then.
    let other = world.object("copy/d");
    world.once("POST", "delete", result(&[(&whole, "AccessDenied", ""), (&other, "InternalError", "")]));
    let error = world.storage().delete_all(&all()).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Unavailable, &other);
    assert!(error.message.contains("1 other object"), "{error}");
    assert_eq!(
        world.count("DELETE", "/"),
        0,
        "a batch that was answered is not taken for one that is unknown"
    );
    // What is not there is gone.
    world.once("POST", "delete", result(&[(&whole, "NoSuchKey", "")]));
    world.storage().delete_all(&all()).await.unwrap();
    world.storage().delete_all(&all()).await.unwrap();
    assert_gone(&world).await;
}

pub async fn what_passes_is_tried_again() {
    let world = world().await;
    let whole = world.object("copy/a");
    world.once("POST", "delete", result(&[(&whole, "InternalError", "")]));
    world.once("POST", "delete", result(&[(&whole, "SlowDown", "")]));
    world.once("POST", "delete", answer(503, "SlowDown"));
    world.once("POST", "delete", answer(500, "InternalError"));
    world.once("POST", "delete", Action::Answer(error(200, "InternalError", "Please try again.")));
    world.patient().delete_all(&all()).await.unwrap();
    assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (6, 0));
    assert_gone(&world).await;
}

pub async fn an_answer_that_is_not_the_servers_is_no_success() {
    let world = world().await;
    for body in ["", "<html><body>Welcome</body></html>", "{\"deleted\": true}", "OK", "<ListBucketResult/>"]
    {
        let reply = Reply::text(200, body).with("content-type", "application/xml");
        world.once("POST", "delete", Action::Answer(reply));
        let error = world.storage().delete_all(&all()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{body:?}: {error}");
    }
    for (status, text) in [(204, ""), (404, "404 page not found"), (502, "<html>")] {
        world.once("POST", "delete", Action::Answer(Reply::text(status, text)));
        let error = world.storage().delete_all(&all()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{status}: {error}");
    }
    assert_eq!((world.objects().await.len(), world.count("DELETE", "/")), (5, 0));
    world.storage().delete_all(&all()).await.unwrap();
    assert_gone(&world).await;
}

pub async fn a_server_without_batches_is_asked_object_by_object() {
    for refusal in [
        error(501, "NotImplemented", "A header you provided implies functionality that is not implemented"),
        error(405, "MethodNotAllowed", "The specified method is not allowed against this resource."),
        Reply::text(405, "Method Not Allowed"),
        error(400, "MissingContentMD5", "Missing required header for this request: Content-MD5."),
        error(
            400,
            "InvalidRequest",
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ),
        error(400, "InvalidArgument", "x-amz-checksum-crc32 is not supported"),
        error(400, "InvalidDigest", "The Content-MD5 you specified is not valid."),
        error(400, "BadDigest", "The CRC32 you specified did not match"),
        error(400, "XAmzContentChecksumMismatch", "as planned"),
        error(
            400,
            "MalformedPOSTRequest",
            "The body of your POST request is not well-formed multipart/form-data.",
        ),
    ] {
        let world = world().await;
        let text = String::from_utf8_lossy(&refusal.body).into_owned();
        world.plan(Fault::always("POST", "delete", Action::Answer(refusal)));
        let cloud = world.cloud();
        let storage =
            || engine::storage::Cloud::storage(cloud.clone(), &world.root(), world.sessions.clone());
        storage().unwrap().delete_all(&all()).await.unwrap();
        assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (1, 3), "{text}");
        assert_gone(&world).await;
        storage().unwrap().delete_all(&all()).await.unwrap();
        assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (1, 6), "{text}");
        world.storage().delete_all(&all()).await.unwrap();
        assert_eq!(world.count("POST", "delete"), 2, "another client asks for itself");
    }
}

pub async fn a_batch_that_is_lost_on_its_way_comes_again() {
    let world = world().await;
    for action in [Action::Close, Action::LoseReply, Action::Garbage, Action::CutReply(20), Action::Twice] {
        world.once("POST", "delete", action);
        world.patient().delete_all(&all()).await.unwrap();
        assert_gone(&world).await;
        for name in all() {
            put(&*world.storage(), &name, b"again").await.unwrap();
        }
    }
    world.storage().delete_all(&all()).await.unwrap();
    assert_gone(&world).await;
}

pub async fn nothing_is_deleted_when_one_key_is_none() {
    let world = world().await;
    let error = world.storage().delete_all(&keys(&["copy/a", "copy/../kept"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    assert_eq!(world.count("POST", "delete") + world.count("DELETE", "/"), 0);
    assert_eq!(world.objects().await.len(), 5);
}

/// An answer that was cut short, or of a server that tells less: what it does not name is not taken for deleted.
pub async fn what_an_answer_does_not_name_is_deleted_by_itself() {
    let world = world().await;
    world.once("POST", "delete", result(&[]));
    world.storage().delete_all(&all()).await.unwrap();
    assert_eq!((world.count("POST", "delete"), world.count("DELETE", "/")), (1, 3));
    assert_gone(&world).await;
}
