//! An upload in parts: begun, gone on with, finished, given up.
//!
//! The provider's own list of parts is the truth about how far an upload has come. What the state remembers stands in for it where the list
//! is not to be had. The object appears, whole, with the last call.

use super::bucket::Bucket;
use super::classify::Failure;
use super::client::Doing;
use super::copying::{Copies, Source, copy_part};
use super::etag::{self, Md5Sum, md5_of};
use super::parts::Plan;
use super::read::Reader;
use super::sending::{Place, send_patiently};
use super::state::{Part, State};
use super::upload::{SHA256, encryption, expect_sha256};
use crate::storage::{Body, Error, ErrorKind, Result, Stored, There};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, StorageClass};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use tokio::task::{JoinError, JoinSet};

/// How often one `put` begins anew because its upload is lost.
const ROUNDS: u32 = 2;

/// Why a round ended without an object.
enum Broken {
    Failed(Error),
    /// The provider no longer has the upload: it was finished, given up, or thrown away.
    Gone(Error),
    /// The upload came to nothing and was given up; another may do better.
    Spoilt(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Broken::Failed(error)
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        if failure.is_gone_upload() { Broken::Gone(failure.error) } else { Broken::Failed(failure.error) }
    }
}

/// One upload that the provider knows.
struct Session {
    upload_id: String,
    /// Its parts are those that the provider is known to have.
    state: State,
    /// What was remembered of the parts before: their ETags were given for this very content.
    remembered: BTreeMap<u32, Part>,
    unsaved: u32,
}

impl Session {
    /// Whether the provider has this part with this content.
    fn has(&self, number: u32, md5: &Md5Sum) -> bool {
        let Some(part) = self.state.parts.get(&number) else { return false };
        part.etag == hex::encode(md5) || self.remembered.get(&number).is_some_and(|r| r.etag == part.etag)
    }

    /// Bytes that the provider has, wherever they belong.
    fn held(&self) -> u64 {
        let plan = self.state.plan();
        self.state.parts.keys().map(|number| plan.len(*number)).sum()
    }

    /// What is not sent: parts that the provider has, and those that it is to make of `sources`.
    fn there(&self, sources: &BTreeMap<u32, Source>) -> There {
        let plan = self.state.plan();
        let range = |number: &u32| {
            let start = u64::from(number.saturating_sub(1)) * plan.part_size;
            start..start + plan.len(*number)
        };
        There::ranges(self.state.parts.keys().chain(sources.keys()).map(range))
    }
}

type Sent = (u32, std::result::Result<(Md5Sum, Part), Failure>);

impl Bucket {
    pub async fn upload_in_parts(&self, key: &str, object: &str, body: &dyn Body) -> Result<Stored> {
        let (mut round, copies) = (1, Arc::<Copies>::default());
        loop {
            let error = match self.round(key, object, body, &copies).await {
                Ok(stored) => return Ok(stored),
                Err(Broken::Failed(error)) => return Err(error),
                Err(Broken::Gone(error)) if round == ROUNDS => {
                    let text = format!("{} Look at its rules for unfinished uploads.", error.message);
                    return Err(Error::new(ErrorKind::Integrity, text));
                }
                Err(Broken::Spoilt(error)) if round == ROUNDS => return Err(error),
                Err(Broken::Gone(error) | Broken::Spoilt(error)) => error,
            };
            tracing::warn!(key, %error, "an upload begins anew");
            // Whatever it was about, the second one owes nothing to others.
            copies.stop();
            round += 1;
        }
    }

    /// Goes on with the upload that is remembered, or begins one, and takes it to its end.
    async fn round(
        &self,
        key: &str,
        object: &str,
        body: &dyn Body,
        copies: &Arc<Copies>,
    ) -> std::result::Result<Stored, Broken> {
        let session = match self.resume(key, object, body).await {
            Err(Broken::Gone(error)) => return self.finished_before(key, error).await,
            resumed => resumed?,
        };
        let mut session = match session {
            Some(session) => session,
            None => self.begin(key, object, body, copies).await?,
        };
        let sources = self.sources(&session.state, body, copies).await;
        body.already_there(&session.there(&sources));
        let error = match self.send_and_complete(key, &mut session, body, sources, copies).await {
            Ok(stored) => {
                self.sessions.remove(key).await?;
                self.furthest().remove(key);
                return Ok(stored);
            }
            Err(Broken::Gone(error)) => return self.finished_before(key, error).await,
            Err(Broken::Spoilt(error)) => {
                self.give_up(key).await?;
                return Err(Broken::Spoilt(error));
            }
            Err(Broken::Failed(error)) => error,
        };
        if session.unsaved > 0
            && let Err(error) = session.state.save(&*self.sessions, key).await
        {
            tracing::warn!(key, %error, "the parts that have arrived could not be remembered");
        }
        Err(Broken::Failed(error.advanced(self.further(key, session.held()))))
    }

    /// Whether an upload of `key` has come further than any before it. One that a server loses again and again does not, however much is
    /// sent each time.
    fn further(&self, key: &str, held: u64) -> bool {
        let mut furthest = self.furthest();
        let before = furthest.entry(key.to_owned()).or_default();
        let further = held > *before;
        *before = held.max(*before);
        further
    }

    async fn resume(
        &self,
        key: &str,
        object: &str,
        body: &dyn Body,
    ) -> std::result::Result<Option<Session>, Broken> {
        let Some(mut state) = State::load(&*self.sessions, key).await? else { return Ok(None) };
        let fits = state.fits(&self.name, object, body);
        let Some(upload_id) = state.upload_id.clone().filter(|_| fits) else {
            self.give_up(key).await?;
            return Ok(None);
        };
        let remembered = state.parts.clone();
        match self.list_parts(&state.bucket, object, &upload_id).await {
            Ok(listed) => {
                let plan = state.plan();
                let whole = listed.into_iter().filter(|(number, (_, size))| *size == plan.len(*number));
                state.parts = whole.map(|(number, (part, _))| (number, part)).collect();
            }
            Err(failure) if failure.is_denied() || failure.is_unsupported() => {
                tracing::debug!(
                    key,
                    code = failure.code,
                    "parts cannot be listed; what is remembered counts"
                );
            }
            Err(failure) => return Err(failure.into()),
        }
        Ok(Some(Session { upload_id, state, remembered, unsaved: 0 }))
    }

    /// The upload is gone because an earlier call finished it, and its answer was lost: then the object is there.
    async fn finished_before(&self, key: &str, error: Error) -> std::result::Result<Stored, Broken> {
        let stored = match State::load(&*self.sessions, key).await? {
            Some(state) => self.same_content(&state).await?,
            None => None,
        };
        // Only a server that errs still has it.
        self.give_up(key).await?;
        stored.ok_or(Broken::Gone(error))
    }

    /// What is there, if it says that it is the content of `state`.
    async fn same_content(&self, state: &State) -> Result<Option<Stored>> {
        let found = match self.head(&state.key).await {
            Ok(found) => found,
            Err(failure) if failure.error.kind == ErrorKind::NotFound => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let sha256 = found.metadata().and_then(|m| m.get(SHA256));
        let size_bytes = u64::try_from(found.content_length().unwrap_or_default()).unwrap_or_default();
        let same = sha256.is_some() && sha256 == state.sha256.as_ref() && size_bytes == state.size;
        Ok(same.then_some(Stored { size_bytes, sha256: None }))
    }

    async fn begin(&self, key: &str, object: &str, body: &dyn Body, copies: &Copies) -> Result<Session> {
        let (client, settings) = (&self.s3.client, &self.s3.settings);
        let few = !client.like_amazon;
        let part_size = Plan::part_size(body.size_bytes(), self.s3.smallest_part(body, copies), few);
        let mut state = State::new(&self.name, object, body, part_size);
        state.save(&*self.sessions, key).await?;
        let (way, key_id) = encryption(settings);
        let create = || {
            let call = client.sdk.create_multipart_upload().bucket(&self.name).key(object);
            let call = call
                .set_metadata(state.sha256.clone().map(|hash| [(SHA256.to_owned(), hash)].into()))
                .set_server_side_encryption(way.clone())
                .set_ssekms_key_id(key_id.clone())
                .set_storage_class(settings.storage_class.as_deref().map(StorageClass::from))
                .set_checksum_algorithm(client.like_amazon.then_some(ChecksumAlgorithm::Crc32));
            // The SDK sends no length with an empty body, and some servers insist on one.
            let explicit = call.customize().mutate_request(|request| {
                request.headers_mut().insert("content-length", "0");
            });
            explicit.send()
        };
        let doing = self.doing("s3:PutObject", object);
        let created = match client.call(doing, self.s3.tuning.quick, create).await {
            Ok(created) => created,
            Err(failure) => {
                if failure.is_final() {
                    self.sessions.remove(key).await?;
                }
                return Err(failure.into());
            }
        };
        let Some(upload_id) = created.upload_id().map(str::to_owned) else {
            let text = format!("{} began an upload without giving its id.", client.server);
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        state.upload_id = Some(upload_id.clone());
        state.save(&*self.sessions, key).await?;
        Ok(Session { upload_id, state, remembered: BTreeMap::new(), unsaved: 0 })
    }

    async fn send_and_complete(
        &self,
        key: &str,
        session: &mut Session,
        body: &dyn Body,
        sources: BTreeMap<u32, Source>,
        copies: &Arc<Copies>,
    ) -> std::result::Result<Stored, Broken> {
        let mut tasks = JoinSet::new();
        let mut md5s = vec![Md5Sum::default(); session.state.plan().parts() as usize];
        let sent = self.send(key, session, body, (sources, copies), &mut tasks, &mut md5s).await;
        let sha256 = match sent {
            Ok(sha256) => sha256,
            Err(broken) => {
                // What is nearly there is worth a moment; the tasks end with the set.
                let collecting = async {
                    while let Some(done) = tasks.join_next().await {
                        let _ = self.collect(key, session, done, &mut md5s).await;
                    }
                };
                let _ = tokio::time::timeout(self.s3.tuning.grace, collecting).await;
                return Err(broken);
            }
        };
        self.complete(key, session, &md5s, sha256).await
    }

    /// Sends the parts that are missing, or has them copied; the SHA-256 of the whole.
    async fn send(
        &self,
        key: &str,
        session: &mut Session,
        body: &dyn Body,
        (mut sources, copies): (BTreeMap<u32, Source>, &Arc<Copies>),
        tasks: &mut JoinSet<Sent>,
        md5s: &mut [Md5Sum],
    ) -> std::result::Result<String, Broken> {
        let plan = session.state.plan();
        let in_flight = plan.in_flight(self.s3.tuning.in_flight);
        let failures = Arc::new(AtomicU32::new(0));
        let (held, copying) = (session.there(&BTreeMap::new()), !sources.is_empty());
        let mut reader = Reader::open(body, key).await?;
        for number in 1..=plan.parts() {
            let block = reader.take(plan.len(number)).await?;
            while let Some(done) = tasks.try_join_next() {
                self.collect(key, session, done, md5s).await?;
            }
            if session.state.parts.contains_key(&number) {
                let md5 = md5_of(block.clone()).await?;
                if session.has(number, &md5) {
                    md5s[number as usize - 1] = md5;
                    continue;
                }
                session.state.parts.remove(&number);
            }
            while tasks.len() >= in_flight {
                let Some(done) = tasks.join_next().await else { break };
                self.collect(key, session, done, md5s).await?;
            }
            if copies.are_stopped() && !sources.is_empty() {
                sources.clear();
                body.already_there(&held.and(copies.done()));
            }
            let (s3, bucket) = (Arc::clone(&self.s3), self.name.clone());
            let (object, upload_id) = (session.state.key.clone(), session.upload_id.clone());
            // Those under way share the line.
            let limit = s3.tuning.sending(block.len() as u64 * in_flight as u64);
            let (place, failures) = (Place { bucket, object, upload_id, number }, Arc::clone(&failures));
            let (source, copies) = (sources.get(&number).cloned(), Arc::clone(copies));
            tasks.spawn(async move {
                let md5 = match md5_of(block.clone()).await {
                    Ok(md5) => md5,
                    Err(error) => return (number, Err(Failure::silent(error))),
                };
                let copied = match &source {
                    Some(source) => copy_part(&s3, &place, source, md5, &copies).await,
                    None => Ok(None),
                };
                let part = match copied {
                    Ok(None) => send_patiently(&s3, &place, block, md5, limit, &failures).await,
                    Ok(Some(part)) => Ok(part),
                    Err(failure) => Err(failure),
                };
                (number, part.map(|part| (md5, part)))
            });
        }
        let sha256 = reader.finish().await?;
        expect_sha256(key, body, &sha256)?;
        while let Some(done) = tasks.join_next().await {
            self.collect(key, session, done, md5s).await?;
        }
        if copying {
            body.already_there(&held.and(copies.done()));
        }
        Ok(sha256)
    }

    /// Takes note of a part that was sent.
    async fn collect(
        &self,
        key: &str,
        session: &mut Session,
        done: std::result::Result<Sent, JoinError>,
        md5s: &mut [Md5Sum],
    ) -> std::result::Result<(), Broken> {
        let (number, sent) = done.map_err(|e| {
            Error::new(ErrorKind::Other, format!("Sending a part of `{key}` broke off: {e}."))
        })?;
        let (md5, part) = sent?;
        md5s[number as usize - 1] = md5;
        session.state.parts.insert(number, part);
        session.unsaved += 1;
        if session.unsaved >= session.state.plan().save_every() {
            session.state.save(&*self.sessions, key).await?;
            session.unsaved = 0;
        }
        Ok(())
    }

    /// Makes the object of its parts. It may take minutes, and fail inside of an answer that began as a success.
    async fn complete(
        &self,
        key: &str,
        session: &Session,
        md5s: &[Md5Sum],
        sha256: String,
    ) -> std::result::Result<Stored, Broken> {
        let (client, state) = (&self.s3.client, &session.state);
        let part = |(number, part): (&u32, &Part)| {
            let number = i32::try_from(*number).unwrap_or(i32::MAX);
            let whole = CompletedPart::builder().part_number(number).e_tag(format!("\"{}\"", part.etag));
            whole.set_checksum_crc32(part.crc32.clone()).build()
        };
        let parts: Vec<CompletedPart> = state.parts.iter().map(part).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = || {
            let call = client.sdk.complete_multipart_upload().bucket(&self.name).key(&state.key);
            call.upload_id(&session.upload_id).multipart_upload(parts.clone()).send()
        };
        let doing = self.doing("s3:PutObject", &state.key);
        let answer = match client.call(doing, self.s3.tuning.complete, complete).await {
            Ok(answer) => answer,
            Err(failure) if failure.error.kind == ErrorKind::Integrity => {
                return Err(Broken::Spoilt(failure.error));
            }
            Err(failure) => return Err(failure.into()),
        };
        let found = answer.e_tag().map(etag::bare).unwrap_or_default();
        if found == etag::of_parts(md5s) {
            return Ok(Stored { size_bytes: state.size, sha256: Some(sha256) });
        }
        if client.like_amazon && etag::comparable(answer.server_side_encryption()) {
            return Err(Broken::Spoilt(self.damaged(&state.key).await));
        }
        // The provider has compared the MD5 of each part; how it calls the whole proves nothing more.
        Ok(self.look(key, &state.key).await?)
    }

    /// Every part that the provider has of an upload, with its size.
    pub async fn list_parts(
        &self,
        bucket: &str,
        object: &str,
        upload_id: &str,
    ) -> std::result::Result<BTreeMap<u32, (Part, u64)>, Failure> {
        let (client, tuning) = (&self.s3.client, &self.s3.tuning);
        let mut parts = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let list = || {
                let call = client.sdk.list_parts().bucket(bucket).key(object).upload_id(upload_id);
                call.max_parts(tuning.page).set_part_number_marker(after.clone()).send()
            };
            let doing = Doing::object("s3:ListMultipartUploadParts", bucket, object);
            let page = client.call(doing, tuning.quick, list).await?;
            for part in page.parts() {
                let number = part.part_number().and_then(|n| u32::try_from(n).ok());
                let size = part.size().and_then(|s| u64::try_from(s).ok());
                if let (Some(number), Some(size), Some(etag)) = (number, size, part.e_tag()) {
                    let crc32 = part.checksum_crc32().map(str::to_owned);
                    parts.insert(number, (Part { etag: etag::bare(etag).to_owned(), crc32 }, size));
                }
            }
            let next = page.next_part_number_marker().map(str::to_owned);
            // What is not listed is sent again, which does no harm.
            if page.is_truncated() != Some(true) || next.is_none() || next == after {
                return Ok(parts);
            }
            after = next;
        }
    }
}
