//! What the rows of tables come to, for comparing one database with another on the same server.
//!
//! `CHECKSUM TABLE` is exact to the last bit of a `FLOAT`, but tells nothing of a table with generated columns: it does not read these,
//! stored ones included, and takes into its sum whatever memory holds in their place (MDEV-32079). The same rows then have one sum
//! after an `INSERT`, another after `FLUSH TABLES`, a third the next time. So every row is written out, each value as the digits of its
//! bytes, and hashed; the sums of all hashes do not depend on the order of rows. `CHECKSUM TABLE` comes on top where it can be relied on.

use std::collections::BTreeMap;

/// By table: the number of its rows, the sums of their hashes, and `CHECKSUM TABLE` where no column is generated.
///
/// `run` runs statements on the server and returns the rows they give, columns separated by tabs.
pub fn sums(run: impl Fn(&str) -> Vec<String>, database: &str) -> BTreeMap<String, String> {
    let statements = run(&statements(database));
    let sum = |line: &String| {
        let (table, statement) = line.split_once('\t')?;
        let values: Vec<String> =
            run(statement).iter().filter_map(|row| row.rsplit('\t').next().map(str::to_owned)).collect();
        Some((table.to_owned(), values.join(" ")))
    };
    statements.iter().filter_map(sum).collect()
}

/// Lists the base tables, each with the statements that give its sums.
fn statements(database: &str) -> String {
    // A FLOAT is shown with six digits, unless it is part of a calculation.
    let value =
        "CONCAT('COALESCE(HEX(CAST(', column_name, IF(float_column, '+0e0', ''), ' AS BINARY)), 0x4E)')";
    format!(
        "SET SESSION group_concat_max_len = 16777216;
         SELECT table_name, CONCAT(
           'SELECT CONCAT_WS(0x3A, COUNT(*), SUM(CAST(CONV(LEFT(h, 16), 16, 10) AS DECIMAL(20))), SUM(CAST(CONV(RIGHT(h, 16), 16, 10) AS DECIMAL(20)))) ',
           'FROM (SELECT MD5(CONCAT_WS(0x2C, ', GROUP_CONCAT({value} ORDER BY position SEPARATOR ', '), ')) AS h FROM ', quoted, ') AS hashes',
           IF(MAX(generated), '', CONCAT('; CHECKSUM TABLE ', quoted, ' EXTENDED')))
         FROM (
           SELECT t.table_name AS table_name, CONCAT('`', t.table_schema, '`.`', REPLACE(t.table_name, '`', '``'), '`') AS quoted,
             CONCAT('`', REPLACE(c.column_name, '`', '``'), '`') AS column_name, c.ordinal_position AS position,
             c.data_type = 'float' AS float_column, COALESCE(c.generation_expression, '') <> '' AS generated
           FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
           WHERE t.table_schema = '{database}' AND t.table_type = 'BASE TABLE'
         ) AS all_columns GROUP BY table_name, quoted ORDER BY table_name"
    )
}

#[cfg(test)]
mod tests {
    use crate::source::database::fixture::{Store, server};

    fn sum(store: &Store, table: &str) -> String {
        store.checksums(&store.name)[table].clone()
    }

    #[test]
    fn the_same_rows_have_the_same_sum_however_they_came_in() {
        // What CHECKSUM TABLE calls different every time; other engines and columns it calls different now and then.
        let store = server().store(
            "CREATE TABLE t (a int, b int AS (a) VIRTUAL) ENGINE=MyISAM; INSERT INTO t (a) VALUES (1), (2);
             CREATE TABLE u LIKE t; INSERT INTO u VALUES (1, DEFAULT), (2, DEFAULT);
             CREATE TABLE v (a int, b int AS (a) STORED) ENGINE=InnoDB; INSERT INTO v (a) VALUES (2), (1)",
        );
        assert_eq!(sum(&store, "t"), sum(&store, "u"));
        assert_eq!(sum(&store, "t"), sum(&store, "v"));
        store.sql("INSERT INTO v (a) VALUES (3); DELETE FROM v WHERE a = 3; FLUSH TABLES");
        assert_eq!(sum(&store, "t"), sum(&store, "v"));
    }

    #[test]
    fn generated_values_count() {
        let store = server().store(
            "CREATE TABLE t (a int, b int AS (a + 1) STORED) ENGINE=InnoDB; INSERT INTO t (a) VALUES (1), (2);
             CREATE TABLE u (a int, b int AS (a + 2) STORED) ENGINE=InnoDB; INSERT INTO u (a) VALUES (1), (2)",
        );
        assert_ne!(sum(&store, "t"), sum(&store, "u"));
    }

    #[test]
    fn one_value_that_differs_makes_another_sum() {
        let store = server().store(
            "CREATE TABLE t (id int PRIMARY KEY, f float, d double, v varchar(20), b varbinary(20), g int AS (id + 1) STORED) ENGINE=InnoDB;
             INSERT INTO t (id, f, d, v, b) VALUES (1, 0.1, 0.1, 'a', 'a'), (2, 0.1, 0.1, 'a', 'a'); CREATE TABLE empty (id int)",
        );
        let mut seen = vec![sum(&store, "t")];
        for change in [
            "f = 0.10000001",
            "d = 0.1000000000000001",
            "v = 'A'",
            "v = 'a '",
            "v = ''",
            "v = NULL",
            "b = x'6100'",
            "f = NULL, v = 'a'",
        ] {
            store.sql(format!("UPDATE t SET {change} WHERE id = 2"));
            let sum = sum(&store, "t");
            assert!(!seen.contains(&sum), "{change}");
            seen.push(sum);
        }
        store.sql("DELETE FROM t WHERE id = 2");
        assert!(sum(&store, "t").starts_with("1:"));
        assert!(sum(&store, "empty").starts_with('0'));
    }
}
