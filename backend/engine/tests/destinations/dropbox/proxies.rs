//! A proxy, or the sign-in page of a network, answers in Dropbox's place: what it says is not Dropbox's word.

use super::world::{SIZE, World};
use crate::support::{Archive, put};
use engine::storage::{Error, ErrorKind, Result, read_small};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::proxy;
use futures_util::StreamExt;

const DOWNLOAD: &str = "files/download";

pub async fn a_proxy_refuses_for_a_while() {
    for status in [400, 403] {
        for route in ["upload_session/start", "append_v2", "upload_session/finish", "get_metadata"] {
            let world = World::new().await;
            world.plan(Fault::once("POST", route, proxy(status)));
            world.arrives(&Archive::new(SIZE)).await;
            assert_eq!(world.count("upload_session/finish"), 1 + usize::from(route.ends_with("finish")));
        }
        let world = World::new().await;
        put(&*world.storage, "shop/a", b"a").await.unwrap();
        world.plan(Fault::once("POST", DOWNLOAD, proxy(status)));
        assert_eq!(read_small(&world.patient(), "shop/a", 10).await.unwrap(), b"a");
        world.plan(Fault::always("POST", "files/delete", proxy(status)));
        let error = world.fails(world.storage.delete("shop/a").await, &ErrorKind::Unavailable);
        assert!(error.message.contains("proxy"), "{error}");
        world.ends_with(&[("shop/a", b"a")]);
    }
}

/// One try, all of it.
async fn read(world: &World, offset: u64) -> Result<Vec<u8>> {
    let mut stream = world.storage.open("shop/a", offset).await?;
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        all.extend_from_slice(&piece.map_err(Error::from)?);
    }
    Ok(all)
}

pub async fn only_the_content_and_all_of_it_is_given_out() {
    let world = World::new().await;
    put(&*world.storage, "shop/a", b"0123456789").await.unwrap();
    let shown = |reply: Reply| reply.with("dropbox-api-result", r#"{"name": "Für", "size": 10}"#);
    let whole = |length: usize| Reply { body: vec![7; length].into(), ..Reply::status(200) };
    for (offset, reply) in [
        // Without Dropbox's own header it is not Dropbox that answers.
        (0, whole(10)),
        (4, Reply { status: 206, ..whole(6) }.with("content-range", "bytes 4-9/10")),
        (0, whole(10).with("dropbox-api-result", "<html>")),
        (0, shown(whole(9))),
        (0, shown(whole(11))),
        (4, shown(whole(6))),
        (4, shown(Reply { status: 206, ..whole(6) })),
    ] {
        world.plan(Fault::once("POST", DOWNLOAD, Action::Answer(reply.clone())));
        world.fails(read(&world, offset).await, &ErrorKind::Unavailable);
    }
    for offset in [0, 4] {
        world.plan(Fault::once("POST", DOWNLOAD, proxy(200)));
        world.fails(read(&world, offset).await, &ErrorKind::Unavailable);
        let rest = &b"0123456789"[usize::try_from(offset).unwrap()..];
        assert_eq!(read(&world, offset).await.unwrap(), rest);
        world.plan(Fault::once(
            "POST",
            DOWNLOAD,
            Action::Answer(shown(Reply { body: b"0123456789"[..].into(), ..whole(0) })),
        ));
        assert_eq!(read(&world, offset).await.unwrap(), rest, "a range that is ignored");
    }
    world.ends_with(&[("shop/a", b"0123456789")]);
}
