//! Whether what arrived is what was sent.

use super::support::{KEY, Rig, SIZE, failed};
use crate::support::{Archive, put};
use engine::storage::ErrorKind;

pub async fn a_hash_comes_late() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.hash_comes_after = 3);
    rig.storage.put(KEY, &archive.body()).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn a_hash_never_comes() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.hash_comes_after = u32::MAX);
    let stored = rig.storage.put(KEY, &archive.body()).await.unwrap();
    assert_eq!((stored.size_bytes, stored.sha256), (SIZE as u64, None));
    rig.assert_stored(&archive.content).await;
}

pub async fn a_bit_is_flipped_on_the_way() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.damage = 1);
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sessions_opened(), 2);
    assert_eq!(rig.fake.bin(), ["files.tgz"], "the damaged one was taken away first");
}

pub async fn a_bit_is_flipped_every_time() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.damage = u32::MAX);
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::Integrity);
    assert!(error.message.contains("is not what was sent"), "{error}");
    assert_eq!(rig.sessions_opened(), 3);
    rig.assert_only(&[]);
    rig.assert_abandoned().await;
}

pub async fn a_bit_of_a_small_object_is_flipped() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.damage = 1);
    put(rig.storage.as_ref(), KEY, b"{\"a\": 1}").await.unwrap();
    rig.assert_stored(b"{\"a\": 1}").await;
    rig.fake.set(|k| k.damage = 9);
    let error = failed(put(&rig.patient(), KEY, b"{\"a\": 2}").await);
    assert_eq!(error.kind, ErrorKind::Integrity);
    rig.assert_abandoned().await;
}

pub async fn the_hash_of_a_small_object_comes_late() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.hash_comes_after = 2);
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.assert_stored(b"x").await;
}
