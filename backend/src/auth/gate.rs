//! What the access middleware asks.

use super::AuthService;
use super::service::Holder;
use crate::http::{ApiError, Authenticate, Principal, Via};
use async_trait::async_trait;

/// Authenticates bearer tokens by the sessions of `auth`.
pub struct Gate(pub AuthService);

#[async_trait]
impl Authenticate for Gate {
    async fn authenticate(&self, bearer: &str) -> Result<Principal, ApiError> {
        Ok(principal(self.0.holder(bearer).await?))
    }

    async fn authenticate_again(&self, bearer: &str) -> Result<Principal, ApiError> {
        Ok(principal(self.0.lasting_holder(bearer).await?))
    }
}

fn principal(holder: Holder) -> Principal {
    Principal {
        user_id: holder.user_id,
        username: holder.username,
        role: holder.role,
        grants: holder.grants,
        via: Via::Session(holder.session),
    }
}
