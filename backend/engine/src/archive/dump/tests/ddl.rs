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

fn written(sql: &str, sql_mode: &str) -> String {
    let object = Object {
        kind: "TRIGGER",
        name: "a`b\nc".into(),
        sql: sql.into(),
        client: "utf8mb4".into(),
        collation: "utf8mb4_general_ci".into(),
        sql_mode: Some(sql_mode.into()),
        time_zone: None,
    };
    let mut out = Vec::new();
    object.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[rstest]
#[case(
    "STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
    "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
    ""
)]
#[case("", "", "")]
#[case("ANSI_QUOTES,IGNORE_BAD_TABLE_OPTIONS,SOMETHING_NEW", "ANSI_QUOTES", "")]
#[case(
    "PIPES_AS_CONCAT,ORACLE,EMPTY_STRING_IS_NULL",
    "PIPES_AS_CONCAT",
    "/*M!100300 SET sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'ORACLE', 'EMPTY_STRING_IS_NULL') */;\n"
)]
#[case(
    "TIME_TRUNCATE_FRACTIONAL",
    "",
    "/*!80000 SET sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'TIME_TRUNCATE_FRACTIONAL') */;\n"
)]
fn modes_that_only_one_vendor_knows_are_set_there_alone(
    #[case] mode: &str,
    #[case] common: &str,
    #[case] own: &str,
) {
    let text = written("CREATE TRIGGER x", mode);
    let expected = format!("sql_mode = '{common}';\n{own}DELIMITER ;;\n");
    assert!(text.contains(&expected), "{text}");
}

#[rstest]
#[case("CREATE TRIGGER x SET @a = 1 -- why;;", ";;$")]
#[case("CREATE TRIGGER x SET @a = 1 # why", ";;")]
#[case("CREATE TRIGGER x SET @a = 1;", ";;")]
fn a_remark_at_the_end_does_not_hide_the_delimiter(#[case] sql: &str, #[case] delimiter: &str) {
    let text = written(sql, "");
    assert!(text.contains(&format!("DELIMITER {delimiter}\n{sql}\n{delimiter}\nDELIMITER ;\n")), "{text}");
}

#[test]
fn a_line_break_in_a_name_does_not_end_a_remark() {
    let text = written("CREATE TRIGGER x", "");
    assert!(text.contains("-- TRIGGER `a``b c`\n"), "{text}");
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
