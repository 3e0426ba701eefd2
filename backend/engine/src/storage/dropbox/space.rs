//! How much room an account has.

use super::api::Api;
use crate::storage::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// `None`: Dropbox does not tell.
    pub total_bytes: Option<u64>,
    pub used_bytes: u64,
}

impl Space {
    pub fn free_bytes(&self) -> Option<u64> {
        Some(self.total_bytes?.saturating_sub(self.used_bytes))
    }

    /// The error for `bytes` of `what` that find no room.
    pub fn full(&self, what: &str, bytes: u64) -> Error {
        let of = self.total_bytes.map(|total| format!(" of {}", gb(total))).unwrap_or_default();
        let text = format!(
            "The Dropbox account is full: {}{of} used, and {what} needs {}. Free some space there, or keep fewer copies.",
            gb(self.used_bytes),
            gb(bytes)
        );
        Error::new(ErrorKind::QuotaExceeded, text)
    }
}

/// As Dropbox's own pages count: in powers of 1000.
fn gb(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

#[derive(Deserialize)]
struct Usage {
    used: u64,
    allocation: Allocation,
}

#[derive(Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
enum Allocation {
    Individual {
        allocated: u64,
    },
    Team {
        used: u64,
        allocated: u64,
        /// 0: no limit of one's own.
        #[serde(default)]
        user_within_team_space_allocated: u64,
        #[serde(default)]
        user_within_team_space_limit_type: Limit,
        user_within_team_space_used_cached: Option<u64>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize, Default)]
#[serde(tag = ".tag", rename_all = "snake_case")]
enum Limit {
    /// The one kind of limit that is enforced.
    StopSync,
    #[default]
    #[serde(other)]
    Loose,
}

impl Usage {
    /// What is nearest to being full: a member of a team shares the team's space, and may have a limit of its own within it.
    fn space(self) -> Space {
        match self.allocation {
            Allocation::Individual { allocated } => {
                Space { total_bytes: (allocated > 0).then_some(allocated), used_bytes: self.used }
            }
            Allocation::Team {
                used,
                allocated,
                user_within_team_space_allocated: own,
                user_within_team_space_limit_type: limit,
                user_within_team_space_used_cached: own_used,
            } => {
                let team = Space { total_bytes: (allocated > 0).then_some(allocated), used_bytes: used };
                let own = Space { total_bytes: Some(own), used_bytes: own_used.unwrap_or(self.used) };
                let limited = matches!(limit, Limit::StopSync) && own.total_bytes > Some(0);
                if limited && team.free_bytes().is_none_or(|free| own.free_bytes() < Some(free)) {
                    own
                } else {
                    team
                }
            }
            Allocation::Unknown => Space { total_bytes: None, used_bytes: self.used },
        }
    }
}

impl Api {
    pub async fn space(&self) -> Result<Space> {
        let usage = self.rpc::<Usage>("users/get_space_usage", &Value::Null).await?;
        Ok(usage.map_err(|fault| fault.into_error("the account"))?.space())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn team(own: u64, limit: &str) -> Value {
        json!({".tag": "team", "used": 600, "allocated": 1000, "user_within_team_space_allocated": own,
            "user_within_team_space_limit_type": {".tag": limit}, "user_within_team_space_used_cached": 90})
    }

    #[rstest]
    #[case(json!({".tag": "individual", "allocated": 500}), Some(500), 70)]
    #[case(json!({".tag": "individual", "allocated": 0}), None, 70)]
    #[case(team(0, "off"), Some(1000), 600)]
    #[case(team(100, "stop_sync"), Some(100), 90)]
    #[case(team(100, "alert_only"), Some(1000), 600)]
    #[case(team(5000, "stop_sync"), Some(1000), 600)]
    #[case(team(0, "stop_sync"), Some(1000), 600)]
    #[case(team(100, "something_new"), Some(1000), 600)]
    #[case(json!({".tag": "team", "used": 600, "allocated": 1000}), Some(1000), 600)]
    #[case(json!({".tag": "something_new", "allocated": 3}), None, 70)]
    fn the_nearest_limit_counts(#[case] allocation: Value, #[case] total: Option<u64>, #[case] used: u64) {
        let usage: Usage = serde_json::from_value(json!({"used": 70, "allocation": allocation})).unwrap();
        assert_eq!(usage.space(), Space { total_bytes: total, used_bytes: used });
    }

    #[test]
    fn a_full_account_is_described_with_its_figures() {
        let space = Space { total_bytes: Some(2_000_000_000), used_bytes: 1_900_000_000 };
        let error = space.full("`set/files.tgz`", 500_000_000);
        assert_eq!(error.kind, ErrorKind::QuotaExceeded);
        assert!(error.message.contains("1.90 GB of 2.00 GB used"), "{error}");
        assert!(error.message.contains("needs 0.50 GB"), "{error}");
    }
}
