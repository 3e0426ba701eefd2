use crate::support::TestApp;
use contract::{Resource, endpoints as ep};

#[actix_web::test]
async fn the_defaults_are_those_of_the_manual() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Config]).await;
    let answer = app.call(&ep::GET_CONFIG, &[]).by(&someone).send().await;
    let settings = answer.ok();
    assert!(settings.enabled);
    assert_eq!(settings.time_zone, "UTC");
    assert_eq!((settings.log_retention_days, settings.max_parallel_passes), (10, 1));
    assert_eq!(settings.part_size_bytes, 4 << 30);
    assert_eq!(settings.magento_root, None);
    assert!(settings.archive_dir.ends_with("/data/archives"));
    assert_eq!(answer.header("etag"), Some("\"1\""));
}
