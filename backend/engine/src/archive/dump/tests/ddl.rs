use super::super::ddl::{Object, delimiter, strip_definer, without_database};
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case(
    "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY INVOKER VIEW `v` AS select 1",
    "CREATE ALGORITHM=UNDEFINED SQL SECURITY INVOKER VIEW `v` AS select 1"
)]
#[case(
    "CREATE DEFINER=`ro``ot`@`%` TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a=1",
    "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a=1"
)]
#[case("CREATE DEFINER=\"root\"@\"localhost\" PROCEDURE p() SELECT 1", "CREATE PROCEDURE p() SELECT 1")]
#[case("CREATE DEFINER='root'@'localhost' EVENT e", "CREATE EVENT e")]
#[case(
    "CREATE DEFINER = root@localhost FUNCTION f() RETURNS int RETURN 1",
    "CREATE FUNCTION f() RETURNS int RETURN 1"
)]
#[case("CREATE DEFINER=`role` PROCEDURE p() SELECT 1", "CREATE PROCEDURE p() SELECT 1")]
#[case("CREATE DEFINER=`role`@`` PROCEDURE p() SELECT 1", "CREATE PROCEDURE p() SELECT 1")]
#[case(
    "CREATE PROCEDURE `p`() SELECT 'DEFINER=`a`@`b` '",
    "CREATE PROCEDURE `p`() SELECT 'DEFINER=`a`@`b` '"
)]
#[case(
    "CREATE DEFINER=`a`@`b` PROCEDURE `p`() SELECT 'DEFINER=`a`@`b` '",
    "CREATE PROCEDURE `p`() SELECT 'DEFINER=`a`@`b` '"
)]
#[case("CREATE VIEW v AS select 1", "CREATE VIEW v AS select 1")]
#[case("CREATE DEFINER=`open", "CREATE ")]
#[case(
    "CREATE SQL SECURITY DEFINER VIEW `v` AS select 1",
    "CREATE SQL SECURITY DEFINER VIEW `v` AS select 1"
)]
fn definers_go_from_the_head_alone(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(String::from_utf8(strip_definer(sql.as_bytes())).unwrap(), expected);
}

#[rstest]
#[case("DEFAULT nextval(`shop`.`numbers`),", "DEFAULT nextval(`numbers`),")]
#[case("select `shop`.`double_it`(2) AS `x`", "select `double_it`(2) AS `x`")]
#[case("select `other`.`double_it`(2)", "select `other`.`double_it`(2)")]
#[case("select `shop`.`id` from `t` `shop`", "select `shop`.`id` from `t` `shop`")]
#[case(
    "COMMENT 'it''s nextval(`shop`.`n`) \\' `shop`.`f`('",
    "COMMENT 'it''s nextval(`shop`.`n`) \\' `shop`.`f`('"
)]
#[case("select `shop`.`a`.`id` AS `id` from `a`", "select `a`.`id` AS `id` from `a`")]
#[case("`shop`.`open", "`shop`.`open")]
fn the_database_is_not_named_where_it_is_restored_under_another_name(
    #[case] sql: &str,
    #[case] expected: &str,
) {
    assert_eq!(String::from_utf8(without_database(sql.as_bytes(), "shop")).unwrap(), expected);
}

#[test]
fn modes_that_mysql_8_does_not_know_are_left_out() {
    let object = Object {
        kind: "TRIGGER",
        name: "a`b\nc".into(),
        sql: b"CREATE TRIGGER x".to_vec(),
        client: "utf8mb4".into(),
        collation: "utf8mb4_general_ci".into(),
        sql_mode: Some("STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION".into()),
        time_zone: None,
    };
    let mut out = Vec::new();
    object.write(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"), "{text}");
    assert!(
        text.contains("-- TRIGGER `a``b c`\n"),
        "a line break in a name must not end the comment: {text}"
    );
}

proptest! {
    #[test]
    fn a_delimiter_never_occurs_in_the_text(text in "[;$a ]{0,40}") {
        let found = delimiter(text.as_bytes());
        prop_assert!(!text.contains(&found));
        prop_assert!(found.len() >= 2);
    }

    #[test]
    fn any_definition_is_taken(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = strip_definer(&bytes);
        let _ = without_database(&bytes, "a");
        let _ = strip_definer(&[b"CREATE DEFINER=".as_slice(), &bytes].concat());
    }
}
