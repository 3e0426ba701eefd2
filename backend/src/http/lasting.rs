//! Requests that last: whoever made them may lose the permission meanwhile, and the server may have to stop.

use super::{ApiError, Authenticate};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use contract::Access;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the permission of a request that lasts is looked at again.
const RECHECK: Duration = Duration::from_secs(3);

/// What a request was admitted with. The access middleware puts it into the request.
#[derive(Clone)]
pub struct Permit {
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) bearer: String,
    pub(super) access: Access,
    pub(super) stopping: CancellationToken,
}

/// Why a request that lasts has to end.
#[derive(Debug)]
pub enum Over {
    /// What it was admitted with does not hold any more.
    Refused(ApiError),
    Stopping,
}

/// Looks at a permission until it is dropped.
#[derive(Debug)]
pub struct Watch(JoinHandle<Over>);

impl Permit {
    pub fn watch(self) -> Watch {
        Watch(tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = self.stopping.cancelled() => return Over::Stopping,
                    () = tokio::time::sleep(RECHECK) => {}
                }
                match self.look().await {
                    Err(error) if error.problem().status < 500 => return Over::Refused(error),
                    // That the database does not answer takes nothing from anybody.
                    _ => {}
                }
            }
        }))
    }

    async fn look(&self) -> Result<(), ApiError> {
        let principal = self.authenticate.authenticate_again(&self.bearer).await?;
        self.access.missing(&principal.grants).map_or(Ok(()), |resource| Err(ApiError::missing(resource)))
    }

    /// What `work` comes to; `None` when the server has to stop before. Fails once the permission is gone.
    pub async fn during<T>(self, work: impl Future<Output = T>) -> Result<Option<T>, ApiError> {
        let mut watch = self.watch();
        tokio::select! {
            done = work => Ok(Some(done)),
            over = watch.over() => match over {
                Over::Refused(error) => Err(error),
                Over::Stopping => Ok(None),
            }
        }
    }
}

impl Watch {
    /// Resolves when the request has to end; to be asked once only.
    pub async fn over(&mut self) -> Over {
        // The task does not panic; if it did, nothing would look after the permission any more.
        (&mut self.0).await.unwrap_or(Over::Stopping)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FromRequest for Permit {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Permit>().cloned();
        ready(
            found.ok_or_else(|| {
                ApiError::internal(anyhow::anyhow!("a public route has no permission to watch"))
            }),
        )
    }
}
