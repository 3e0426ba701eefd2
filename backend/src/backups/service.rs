//! The rules of Backup Sets.

use super::convert;
use super::error::Error;
use super::query::{BackupQuery, ScheduleQuery};
use super::repo::{self, Content, Deleted, Saved, Slot, Unique};
use crate::clock::SharedClock;
use crate::db::Db;
use crate::{settings, storages};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use contract::{BackupSet, BackupSetInput, BackupSetPage, FieldError, SchedulePreview};
use engine::policy::schedule::{Schedule, first_slot};

#[derive(Clone)]
pub struct BackupsService {
    db: Db,
    clock: SharedClock,
    settings: settings::SettingsService,
    storages: storages::StoragesService,
}

/// How often a save without `If-Match` is tried again when somebody else saves at the same time.
const SAVE_ATTEMPTS: u32 = 5;

/// How many runs the form is shown.
const PREVIEWED: usize = 5;

impl BackupsService {
    pub fn new(
        db: Db,
        clock: SharedClock,
        settings: settings::SettingsService,
        storages: storages::StoragesService,
    ) -> Self {
        BackupsService { db, clock, settings, storages }
    }

    pub async fn get(&self, id: i64) -> Result<BackupSet, Error> {
        let set = repo::find(&self.db, id).await?.ok_or(Error::Missing(id))?;
        Ok(convert::backup_set(set)?)
    }

    /// Every Set, by id.
    pub async fn all(&self) -> Result<Vec<BackupSet>, Error> {
        let sets = repo::all(&self.db).await?;
        Ok(sets.into_iter().map(convert::backup_set).collect::<Result<_, _>>()?)
    }

    /// The id of the Set that a person means by its id, its title or its folder name, in this order.
    pub async fn resolve(&self, name: &str) -> Result<Option<i64>, Error> {
        if let Ok(id) = name.trim().parse::<i64>()
            && repo::find(&self.db, id).await?.is_some()
        {
            return Ok(Some(id));
        }
        Ok(repo::find_by_name(&self.db, name).await?)
    }

    pub async fn list(&self, query: &BackupQuery) -> Result<BackupSetPage, Error> {
        let page = query.page().map_err(Error::Invalid)?;
        let order = query.order().map_err(Error::Invalid)?;
        let filter = repo::Filter { enabled: query.enabled, q: query.q.clone() };
        let range = (page.offset(), u64::from(page.per_page));
        let (sets, total) = repo::list(&self.db, &filter, order, range).await?;
        let items = sets.into_iter().map(convert::backup_set).collect::<Result<_, _>>()?;
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        Ok(BackupSetPage { items, page: page.page, per_page: page.per_page, total })
    }

    pub async fn create(&self, input: &BackupSetInput) -> Result<BackupSet, Error> {
        let schedule = self.check(input).await?;
        let content = convert::content(input);
        let slot = self.slot(&content, &schedule).await?;
        let saved = repo::create(&self.db, &content, &slot, self.clock.now()).await?;
        let id = self.saved(0, saved, input).await?;
        self.get(id).await
    }

    /// Replaces the Set. With `expected` it must still have that revision.
    ///
    /// The next slot is found anew when the schedule changes or the Set is switched on; otherwise it stays.
    pub async fn update(
        &self,
        id: i64,
        expected: Option<i64>,
        input: &BackupSetInput,
    ) -> Result<BackupSet, Error> {
        let schedule = self.check(input).await?;
        let content = convert::content(input);
        for attempt in 1.. {
            let old = repo::find(&self.db, id).await?.ok_or(Error::Missing(id))?;
            if expected.is_some_and(|revision| revision != old.revision) {
                return Err(Error::Changed);
            }
            let slot = if same_slots(&old.content, &content) {
                None
            } else {
                Some(self.slot(&content, &schedule).await?)
            };
            let now = self.clock.now();
            let saved = repo::update(&self.db, id, old.revision, &content, slot.as_ref(), now).await?;
            if saved == Saved::Changed && expected.is_none() && attempt < SAVE_ATTEMPTS {
                continue;
            }
            self.saved(id, saved, input).await?;
            break;
        }
        self.get(id).await
    }

    /// Its copies stay where they are, its logs stay without their Set.
    pub async fn delete(&self, id: i64, expected: Option<i64>) -> Result<(), Error> {
        match repo::delete(&self.db, id, expected).await? {
            Deleted::Done => Ok(()),
            Deleted::Missing => Err(Error::Missing(id)),
            Deleted::Changed => Err(Error::Changed),
            Deleted::Running(log_id) => Err(Error::Running { log_id }),
        }
    }

    /// The next runs of a schedule that is not saved yet.
    pub async fn preview(&self, query: &ScheduleQuery) -> Result<SchedulePreview, Error> {
        let invalid = |field, message| Error::Invalid(vec![FieldError::new(field, "format", message)]);
        let cron = query.cron.as_deref().filter(|text| !text.trim().is_empty());
        if cron.is_some_and(|text| text.len() > 200) {
            return Err(invalid("cron", "Use at most 200 characters.".into()));
        }
        let time_of_day = query.time_of_day.as_deref().filter(|text| !text.is_empty());
        let schedule = Schedule::parse(query.frequency, time_of_day, cron);
        let schedule = schedule.map_err(|error| invalid(error.field, error.message))?;
        let schedule = schedule
            .with_jitter(query.jitter_min.unwrap_or(0), query.folder_name.as_deref().unwrap_or_default());
        let zone = self.settings.current().await?.time_zone;
        let first = match query.backup_id {
            Some(id) => self.slot_that_stays(id, query).await?,
            None => None,
        };
        let next_runs = match first {
            Some(_) => schedule.slots(zone, first, PREVIEWED),
            None => schedule.preview(zone, self.clock.now(), PREVIEWED),
        };
        Ok(SchedulePreview { time_zone: zone.name().to_owned(), next_runs })
    }

    /// The next slot of a Set that would be saved with the schedule that it has.
    async fn slot_that_stays(&self, id: i64, query: &ScheduleQuery) -> Result<Option<DateTime<Utc>>, Error> {
        let set = repo::find(&self.db, id).await?.ok_or(Error::Missing(id))?;
        let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let asked = Content {
            frequency: query.frequency,
            cron: text(&query.cron),
            time_of_day: text(&query.time_of_day),
            jitter_min: query.jitter_min.and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
            folder_name: query.folder_name.clone().unwrap_or_default(),
            ..set.content.clone()
        };
        Ok(set.next_run_at.filter(|_| same_slots(&set.content, &asked)))
    }

    async fn slot(&self, content: &Content, schedule: &Schedule) -> Result<Slot, Error> {
        let zone: Tz = self.settings.current().await?.time_zone;
        let at = if content.enabled { first_slot(schedule, zone, self.clock.now()) } else { None };
        Ok(Slot { at, zone: zone.name().to_owned() })
    }

    /// What the input cannot say about itself: its schedule has slots, its Storage Sets exist and take the paths.
    async fn check(&self, input: &BackupSetInput) -> Result<Schedule, Error> {
        let mut errors = self.storages.row_errors(&input.storages).await?;
        let schedule = Schedule::parse(input.frequency, input.time_of_day.as_deref(), input.cron.as_deref());
        let jitter_min = u32::try_from(input.jitter_min).unwrap_or(0);
        match schedule.map(|schedule| schedule.with_jitter(jitter_min, &input.folder_name)) {
            Ok(schedule) if errors.is_empty() => Ok(schedule),
            Ok(_) => Err(Error::Invalid(errors)),
            Err(e) => {
                errors.insert(0, FieldError::new(e.field, "format", e.message));
                Err(Error::Invalid(errors))
            }
        }
    }

    async fn saved(&self, id: i64, saved: Saved, input: &BackupSetInput) -> Result<i64, Error> {
        match saved {
            Saved::Done(id) => Ok(id),
            Saved::Missing => Err(Error::Missing(id)),
            Saved::Changed => Err(Error::Changed),
            Saved::Taken(name) => Err(taken(name, input)),
            Saved::UnknownStorage => Err(Error::Invalid(self.storages.row_errors(&input.storages).await?)),
        }
    }
}

fn taken(name: Unique, input: &BackupSetInput) -> Error {
    match name {
        Unique::Title => Error::Taken {
            field: "title",
            message: format!("Another Backup Set is called '{}'. Choose another title.", input.title.trim()),
        },
        Unique::Folder => Error::Taken {
            field: "folder_name",
            message: format!(
                "Another Backup Set uses the folder '{}'. Choose another folder name.",
                input.folder_name
            ),
        },
    }
}

/// The slots that were found for `old` hold for `new` as well.
fn same_slots(old: &Content, new: &Content) -> bool {
    let delayed = |c: &Content| (c.jitter_min, (c.jitter_min > 0).then(|| c.folder_name.clone()));
    let schedule = |c: &Content| (c.enabled, c.frequency, c.time_of_day.clone(), c.cron.clone(), delayed(c));
    schedule(old) == schedule(new)
}
