//! The inbox: what administrators have to know although nobody asked.

use crate::page::page_of;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Notification {
    pub id: i64,
    pub severity: Severity,
    pub title: String,
    /// What happened, and what to do.
    pub message: String,
    pub created_at: DateTime<Utc>,
    /// Dismissed by somebody, or settled by itself; null while it is open.
    pub dismissed_at: Option<DateTime<Utc>>,
}

page_of!(NotificationPage, Notification);
