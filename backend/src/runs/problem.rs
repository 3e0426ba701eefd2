//! How the refusal of a pass looks to a client.

use super::Error;
use crate::http::ApiError;
use contract::ProblemCode;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing(id) => ApiError::not_found("Backup Set", id),
            Error::Unknown(name) => ApiError::not_found("Backup Set", name),
            Error::AlreadyRunning { log_id } => ApiError::already_running(
                log_id,
                "A pass of this Backup Set is queued or running already. Follow its log, or start again after its end.",
            ),
            Error::NotRunning { .. } => ApiError::new(
                ProblemCode::NotRunning,
                "This pass has ended already; there is nothing to cancel.",
            ),
            Error::NothingToRetry { .. } => ApiError::new(
                ProblemCode::NothingToRetry,
                "Only the destinations of a failed pass whose archives are kept on this server can be tried again. Run the Backup Set instead.",
            ),
            Error::SwitchedOff => ApiError::new(
                ProblemCode::SwitchedOff,
                "Backups are switched off: the switch *Enabled* of the configuration is off. Switch it on first.",
            ),
            Error::NoSource => ApiError::new(
                ProblemCode::NoSource,
                "The server knows no Magento root. Its operator has to set STOREKEEP_MAGENTO_ROOT and start it again.",
            ),
            Error::IdempotencyKey => {
                ApiError::invalid_field("Idempotency-Key", "format", "Use 1 to 191 visible ASCII characters.")
            }
            Error::Backup(error) => error.into(),
            Error::Log(error) => error.into(),
            Error::Settings(_) | Error::BrokenOff(_) | Error::Database(_) => ApiError::internal(error),
        }
    }
}
