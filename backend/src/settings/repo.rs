use crate::db::{Db, Error};
use crate::entity::settings::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

const ONLY_ROW: i64 = 1;

pub async fn find(db: &Db) -> Result<Option<Model>, Error> {
    Entity::find_by_id(ONLY_ROW).one(db).await
}

pub struct Change<'a> {
    pub enabled: bool,
    pub time_zone: &'a str,
    pub log_retention_days: i32,
    pub max_parallel_passes: i32,
    /// `None` leaves it as it is.
    pub pass_time_limit_hours: Option<i32>,
    /// `None` leaves it as it is.
    pub missed_grace_min: Option<i32>,
    /// `None` leaves it as it is.
    pub full_pass_every: Option<i32>,
}

/// Saves in one statement. False when `expected` is not the row's revision (any more).
pub async fn save(db: &Db, expected: Option<i64>, change: Change<'_>) -> Result<bool, Error> {
    let mut update = Entity::update_many()
        .col_expr(Column::Enabled, Expr::value(change.enabled))
        .col_expr(Column::TimeZone, Expr::value(change.time_zone))
        .col_expr(Column::LogRetentionDays, Expr::value(change.log_retention_days))
        .col_expr(Column::MaxParallelPasses, Expr::value(change.max_parallel_passes))
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .filter(Column::Id.eq(ONLY_ROW));
    if let Some(hours) = change.pass_time_limit_hours {
        update = update.col_expr(Column::PassTimeLimitHours, Expr::value(hours));
    }
    if let Some(minutes) = change.missed_grace_min {
        update = update.col_expr(Column::MissedGraceMin, Expr::value(minutes));
    }
    if let Some(passes) = change.full_pass_every {
        update = update.col_expr(Column::FullPassEvery, Expr::value(passes));
    }
    if let Some(revision) = expected {
        update = update.filter(Column::Revision.eq(revision));
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::On;
    use rstest::rstest;

    fn change(time_zone: &str) -> Change<'_> {
        Change {
            enabled: false,
            time_zone,
            log_retention_days: 30,
            max_parallel_passes: 2,
            pass_time_limit_hours: Some(12),
            missed_grace_min: None,
            full_pass_every: None,
        }
    }

    #[rstest]
    #[tokio::test]
    async fn a_save_raises_the_revision_and_a_stale_one_is_refused(
        #[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On,
    ) {
        let db = on.fresh().await;
        let first = find(&db).await.unwrap().unwrap();
        assert!(first.enabled);
        assert_eq!(
            (first.time_zone.as_str(), first.log_retention_days, first.max_parallel_passes),
            ("UTC", 10, 1)
        );
        assert!(save(&db, Some(first.revision), change("Europe/Berlin")).await.unwrap());
        assert!(!save(&db, Some(first.revision), change("Asia/Tokyo")).await.unwrap());
        assert!(save(&db, None, change("Asia/Tokyo")).await.unwrap());
        let last = find(&db).await.unwrap().unwrap();
        assert_eq!((last.time_zone.as_str(), last.revision), ("Asia/Tokyo", first.revision + 2));
        assert_eq!((last.pass_time_limit_hours, last.missed_grace_min), (12, first.missed_grace_min));
    }
}
