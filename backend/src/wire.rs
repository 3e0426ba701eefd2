//! The enumerations of the contract as text columns keep them: by their names on the wire.

use crate::db;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The name of a unit variant; empty for anything else.
pub fn name<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The variant of that name. A name that this version does not know is an error of the database's content.
pub fn parse<T: DeserializeOwned>(name: &str) -> Result<T, db::Error> {
    serde_json::from_value(Value::String(name.into())).map_err(|e| db::Error::Json(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{OverallStatus, StorageType, Trigger};

    #[test]
    fn names_are_those_of_the_wire() {
        assert_eq!(name(OverallStatus::Pending), "pending");
        assert_eq!(name(StorageType::AmazonS3), "amazon_s3");
        assert_eq!(parse::<Trigger>("cli").unwrap(), Trigger::Cli);
        assert!(parse::<Trigger>("nonsense").is_err());
    }
}
