//! Slots in the database: which Sets are due, and who takes a slot.

use crate::db::{self, Db};
use crate::entity::backups;
use crate::runs::repo::{self as queue, New, Opened};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder};

/// A Set with its schedule and its next slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    pub id: i64,
    pub title: String,
    pub slot: Option<DateTime<Utc>>,
    pub frequency: Option<u8>,
    pub time_of_day: Option<String>,
    pub cron: Option<String>,
    pub jitter_min: u32,
    /// Tells its delays by chance from those of others.
    pub folder_name: String,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The pass is queued: its log.
    Queued(i64),
    /// The pass before it is not done yet: its log. The slot is over without a pass.
    Busy(i64),
    /// Somebody else took it, or the Set was changed meanwhile.
    Lost,
}

/// The Sets whose slot has come, the earliest first.
pub async fn due(db: &Db, now: DateTime<Utc>) -> Result<Vec<Scheduled>, DbErr> {
    let found = backups::Entity::find()
        .filter(backups::Column::Enabled.eq(true))
        .filter(backups::Column::NextRunAt.lte(now))
        .order_by_asc(backups::Column::NextRunAt)
        .order_by_asc(backups::Column::Id)
        .all(db)
        .await?;
    Ok(found.into_iter().map(scheduled).collect())
}

/// The Sets whose next slot was computed in another zone.
pub async fn in_other_zones(db: &Db, zone: &str) -> Result<Vec<Scheduled>, DbErr> {
    let other =
        Condition::any().add(backups::Column::SlotZone.ne(zone)).add(backups::Column::SlotZone.is_null());
    let found = backups::Entity::find()
        .filter(backups::Column::Enabled.eq(true))
        .filter(other)
        .order_by_asc(backups::Column::Id)
        .all(db)
        .await?;
    Ok(found.into_iter().map(scheduled).collect())
}

/// The schedule of a Set as it is stored.
pub fn scheduled(m: backups::Model) -> Scheduled {
    Scheduled {
        id: m.id,
        title: m.title,
        slot: m.next_run_at,
        frequency: m.frequency.and_then(|f| u8::try_from(f).ok()),
        time_of_day: m.time_of_day,
        cron: m.cron,
        jitter_min: u32::try_from(m.jitter_min).unwrap_or(0),
        folder_name: m.folder_name,
    }
}

/// Moves a Set from `slot` to `next` and queues the pass of `slot`, both or neither. Of any number of servers one succeeds.
pub async fn take(
    db: &Db,
    set: &Scheduled,
    next: Option<DateTime<Utc>>,
    zone: &str,
    pass: &New,
) -> Result<Taken, DbErr> {
    db::transaction(db, |tx| async move {
        let Some(slot) = set.slot else { return Ok(Taken::Lost) };
        let changed = backups::Entity::update_many()
            .col_expr(backups::Column::NextRunAt, Expr::value(next))
            .col_expr(backups::Column::LastSlotAt, Expr::value(slot))
            .col_expr(backups::Column::SlotZone, Expr::value(zone))
            .filter(unchanged(set))
            .exec(&*tx)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(Taken::Lost);
        }
        Ok(match queue::open_in(&tx, pass).await? {
            Opened::New(log) => Taken::Queued(log),
            Opened::Running(log) | Opened::Known(log) => Taken::Busy(log),
            Opened::Missing => Taken::Lost,
        })
    })
    .await
}

/// Gives a Set another next slot, unless it has changed meanwhile.
pub async fn set_next(
    db: &Db,
    set: &Scheduled,
    next: Option<DateTime<Utc>>,
    zone: &str,
) -> Result<bool, DbErr> {
    let changed = backups::Entity::update_many()
        .col_expr(backups::Column::NextRunAt, Expr::value(next))
        .col_expr(backups::Column::SlotZone, Expr::value(zone))
        .filter(unchanged(set))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

fn unchanged(set: &Scheduled) -> Condition {
    let slot = match set.slot {
        Some(slot) => backups::Column::NextRunAt.eq(slot),
        None => backups::Column::NextRunAt.is_null(),
    };
    Condition::all().add(backups::Column::Id.eq(set.id)).add(backups::Column::Enabled.eq(true)).add(slot)
}
