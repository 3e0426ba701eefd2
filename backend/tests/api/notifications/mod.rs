mod dismiss;
mod list;

use crate::support::TestApp;
use contract::Severity;
use storekeep::notifications::Notice;

pub async fn post(app: &TestApp, key: &str) -> bool {
    let notice = Notice {
        severity: Severity::Error,
        title: "The link of storage 'Offsite' has ended",
        message: "Link the account again.",
        key,
    };
    app.app.notifications.post(notice).await.unwrap()
}
