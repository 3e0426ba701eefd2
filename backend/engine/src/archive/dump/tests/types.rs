use super::restore::restored_by_the_official_tool;
use super::*;

/// Of each type the values that tools get wrong.
const TYPES: &str = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE numbers (id int PRIMARY KEY, ti tinyint, tu tinyint unsigned, si smallint, mi mediumint, mu mediumint unsigned, i int, iu int unsigned,
  bi bigint, bu bigint unsigned, dc decimal(65,30), dn decimal(20,6), f float, d double, du double unsigned, b1 bit(1), b9 bit(9), b64 bit(64), y year) ENGINE=InnoDB;
INSERT INTO numbers VALUES
 (0, -128, 255, -32768, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,
  -99999999999999999999999999999999999.999999999999999999999999999999, 99999999999999.999999, -3.4028234663852886e38, -1.7976931348623157e308, 1.7976931348623157e308,
  b'1', b'101010101', b'1111111111111111111111111111111111111111111111111111111111111110', 2155),
 (1, 127, 0, 32767, 8388607, 0, 2147483647, 0, 9223372036854775807, 9223372036854775808, 0, -0.000001, 1.401298464324817e-45, 2.2250738585072009e-308, 0, b'0', b'0', b'0', 0),
 (2, -1, 1, -1, -1, 1, -1, 1, -1, 1, 0.000000000000000000000000000001, 1, -0e0, -0e0, 1e15, NULL, NULL, NULL, 1901),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1e34, 0.1, 16777217, 9007199254740993, 123456789012345.67, b'1', b'11111111', b'10', 2000);
INSERT INTO numbers (id, f, d) SELECT 10 + seq, RAND(seq) * POW(10, seq % 60) / 1e30, (RAND(seq) - 0.5) * POW(10, seq % 300) / IF(seq % 2, 1e300, 1) FROM seq_1_to_3000;
INSERT INTO numbers (id, d) SELECT 4000 + seq, POW(10, seq) / 1e20 FROM seq_1_to_40;

CREATE TABLE times (id int PRIMARY KEY, da date, t0 time, t1 time(1), t3 time(3), t6 time(6), dt datetime, d2 datetime(2), d6 datetime(6), ts timestamp NULL, t4 timestamp(4) NULL) ENGINE=InnoDB;
INSERT INTO times VALUES
 (0, '0000-00-00', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'),
 (1, '2024-02-30', '-838:59:59', '-838:59:59.9', '-838:59:59.999', '-838:59:59.999999', '2024-02-31 23:00:00', '2023-02-29 01:02:03.45', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:01', '2038-01-19 03:14:07.9999'),
 (2, '0000-01-00', '838:59:59', '100:00:00.1', '99:59:59.001', '-00:00:00.000001', '2024-00-00 12:00:00', '0001-01-01 00:00:00.01', '1000-01-01 00:00:00.000001', '2024-03-31 01:30:00', '2024-10-27 00:30:00.0001'),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, '9999-12-31', '01:02:03', '-01:02:03.4', '24:00:00', '-24:00:00.5', '2024-02-29 00:00:00', '2024-02-29 00:00:00', '2024-02-29 00:00:00', '2024-02-29 00:00:00', '2024-02-29 00:00:00');

CREATE TABLE texts (id int PRIMARY KEY, l1 varchar(50) CHARACTER SET latin1, u16 varchar(50) CHARACTER SET utf16, u32 char(20) CHARACTER SET utf32, u2 varchar(50) CHARACTER SET ucs2,
  u8 varchar(50) CHARACTER SET utf8mb4, cp mediumtext CHARACTER SET cp1251, tt tinytext, lt longtext, js json, bi binary(5), vb varbinary(39), tb tinyblob, bl blob, mb mediumblob, lb longblob,
  e enum('ü','it''s','a,b') CHARACTER SET latin1, s set('x','it''s','ü'), `last one` char(3)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO texts VALUES
 (0, 'Ü it''s \\\\ \"', 'it''s 😀\\\\', '😀''', '☃''', '😀 it''s \\\\ \\0\\n\\r\\Z\\t\"%\\_', 'Ж it''s', '', REPEAT('0123456789 ''\\\\\n😀', 500), '{\"a\": \"\\\\u00e9 it''s 😀 \\\\\\\\\"}', x'00', x'00275C0D0A1A22FF', '', x'27', x'5C', x'1A', 'it''s', 'x,it''s,ü', ''),
 (1, '', '', '', '', '', '', '', '', '[]', '', '', '', '', '', '', '', '', 'a'),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (3, ' a ', ' a ', ' a', ' a ', 'a ', 'a ', 'a ', 'a\n\n', 'null', x'2020202020', x'2020', x'00', x'0000', '0x41', 'NULL', 'a,b', 'ü', ' '),
 (4, '-- no comment', '/*!40101 x */', ';', '#', '/* ; */', 'DELIMITER ;;', '\\\\.', '\\\\N', '{}', 'a', 'a', 'a', 'a', 'a', 'a', 'ü', '', ';;');

CREATE TABLE shapes (id int PRIMARY KEY, g geometry, pt point, ls linestring, pg polygon, mp multipoint, ml multilinestring, mg multipolygon, gc geometrycollection) ENGINE=InnoDB;
INSERT INTO shapes VALUES
 (0, ST_GeomFromText('POINT(1.5 -2.5)', 4326), POINT(-0.1, 1e300), ST_GeomFromText('LINESTRING(0 0,1.1 2.2,3 4)'), ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,2 4,4 4,4 2,2 2))'),
  ST_GeomFromText('MULTIPOINT(0 0,1 1)'), ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))'), ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))'),
  ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')),
 (1, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
";

/// Widths and digits that the value itself does not have, and types of MariaDB's own.
const OTHERS: &str = "
CREATE TABLE padded (id int(6) zerofill PRIMARY KEY, t tinyint zerofill, b bigint(20) unsigned zerofill, dc decimal(10,2) zerofill, f float zerofill, d double(10,2), f2 float(7,4), f0 float(5,0)) ENGINE=InnoDB;
INSERT INTO padded VALUES (0, 0, 0, 0, 0, 0, 0, 0), (42, 7, 18446744073709551615, 1.5, 1.5, -1.5, -1.2345, 12345), (99, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE own (id int PRIMARY KEY, u uuid, i6 inet6, i4 inet4, c longtext COMPRESSED, b longblob COMPRESSED) ENGINE=InnoDB;
INSERT INTO own VALUES (1, '123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:8329', '192.0.2.1', REPEAT('é''', 5000), REPEAT(x'00FF', 5000)), (2, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE choices (id int PRIMARY KEY, e enum('','a','it''s'), n enum('a','b') NOT NULL) ENGINE=InnoDB;
INSERT IGNORE INTO choices VALUES (1, '', 'a'), (2, 'none of these', 'b'), (3, 'a', 'none of these'), (4, NULL, 'b'), (5, 'it''s', 'a');
CREATE TABLE edges (id int PRIMARY KEY, ss set('','x'), dw double(255,2)) ENGINE=InnoDB;
INSERT INTO edges VALUES (1, 1, 1e70), (2, 2, -1.5), (3, 0, 1.2345e300), (4, NULL, NULL), (5, 3, 0);
CREATE TABLE small_reals (id int PRIMARY KEY, d double) ENGINE=InnoDB;
INSERT INTO small_reals SELECT seq, (1 + RAND(seq)) * 1e-15 FROM seq_1_to_500;
";

/// The rows in the dump, one a line.
fn rows(sql: &str, table: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for statement in sql.split(&format!("INSERT INTO `{table}` (")).skip(1) {
        let values = statement.split_once(" VALUES\n").unwrap().1;
        let values = values.split_once(";\n").unwrap().0;
        rows.extend(values.lines().map(|row| row.trim_end_matches(',').to_string()));
    }
    rows
}

#[tokio::test]
async fn values_come_back_bit_by_bit() {
    let store = server().store(format!("{TYPES}{OTHERS}"));
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), []);
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.checksums(&target), store.checksums(&store.name));
    for query in [
        "SELECT id, e, e+0, n, n+0 FROM choices ORDER BY id",
        "SELECT id, ss+0, dw*1e0 FROM edges ORDER BY id",
        "SELECT id, da, t0, t1, t3, t6, dt, d2, d6, ts, t4 FROM times ORDER BY id",
        "SELECT id, f+0e0, d, HEX(b1), HEX(b9), HEX(b64), y, bu, dc FROM numbers ORDER BY id",
        "SELECT id, HEX(l1), HEX(u16), HEX(u32), HEX(u2), HEX(u8), HEX(cp), MD5(lt), js FROM texts ORDER BY id",
    ] {
        assert_eq!(store.server.sql(&target, query), store.sql(query), "{query}");
    }
}

/// Where `mariadb-dump` loses something: six digits of a FLOAT, dates that do not exist, the number of an ENUM or SET that has no text,
/// doubles of many digits.
#[tokio::test]
async fn the_official_tool_restores_less() {
    let store = server().store(format!("{TYPES}{OTHERS}"));
    let theirs = restored_by_the_official_tool(&store);
    let (sums, expected) = (store.checksums(&theirs), store.checksums(&store.name));
    let differing: Vec<&str> =
        expected.iter().filter(|(name, sum)| sums[*name] != **sum).map(|(name, _)| name.as_str()).collect();
    assert_eq!(differing, ["choices", "edges", "numbers", "times"]);
    let of = |database: &str, query: &str| store.server.sql(database, query);
    let invalid = "SELECT COUNT(*) FROM times WHERE CAST(da AS CHAR) = '2024-02-30' AND CAST(dt AS CHAR) = '2024-02-31 23:00:00'";
    assert_eq!((of(&theirs, invalid).as_str(), of(&store.name, invalid).as_str()), ("0\n", "1\n"));
    let choices = "SELECT e+0 FROM choices WHERE id = 2";
    assert_eq!((of(&theirs, choices).as_str(), of(&store.name, choices).as_str()), ("1\n", "0\n"));
    let exact = format!(
        "SELECT COUNT(*) FROM {theirs}.numbers t JOIN {0}.numbers o USING (id) WHERE NOT t.f <=> o.f AND t.d <=> o.d",
        store.name
    );
    assert!(of(&theirs, &exact).trim().parse::<u32>().unwrap() > 2000);
}

/// Without a wire, as on an encrypted connection, the driver reads the rows.
#[tokio::test]
async fn the_driver_reads_the_same_rows() {
    let store = server().store(format!("{TYPES}{OTHERS}"));
    dump(&store, &[]).await.unwrap();
    let by_packets = sql(&store);
    let mut snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    for snapshot in &mut snapshots.open {
        assert!(snapshot.session.wire.take().is_some());
    }
    std::fs::remove_dir_all(store.copy()).unwrap();
    snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    let by_driver = sql(&store);
    for table in ["numbers", "times", "texts", "shapes", "padded", "own", "choices", "edges", "small_reals"] {
        let rows = |sql: &str| rows(sql, table);
        assert!(rows(&by_packets).len() >= 2);
        assert_eq!(rows(&by_packets), rows(&by_driver), "{table}");
    }
}

/// Rows beyond the protocol's packets of 16 MiB, in front of the row and behind a key.
#[tokio::test]
async fn huge_values_come_back() {
    let store = server().store(
        "CREATE TABLE bytes (id int PRIMARY KEY, b longblob) ENGINE=InnoDB;
         INSERT INTO bytes VALUES (1, REPEAT(x'00275CFF', 5 << 20)), (2, ''), (3, 'small'), (4, REPEAT('a', (16 << 20) - 20)), (5, NULL);
         CREATE TABLE heap_text (t longtext, n int) ENGINE=InnoDB; INSERT INTO heap_text VALUES (REPEAT('it''s ', 4 << 20), 1), ('', 2), (REPEAT('é', 9 << 20), 3);
         CREATE TABLE heap_as_text (t longtext, u uuid) ENGINE=InnoDB; INSERT INTO heap_as_text VALUES (REPEAT('it''s ', 4 << 20), UUID()), ('', NULL), (REPEAT('é', 9 << 20), NULL);
         CREATE TABLE wide (id int PRIMARY KEY, a mediumblob, b mediumblob, c mediumblob, d mediumblob) ENGINE=InnoDB;
         INSERT INTO wide VALUES (1, REPEAT('a', 250000), REPEAT('b', 250000), REPEAT('c', 250000), REPEAT('d', 250000)), (2, 'a', '', NULL, 'd');",
    );
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), [("large_statement", "", false)]);
    let counted: Vec<u64> = dumped.databases[0].tables.iter().map(|table| table.rows).collect();
    assert_eq!(counted, [5, 3, 3, 2]);
    let target = format!("{}_restored", store.name);
    store.server.sql("mysql", format!("CREATE DATABASE {target}"));
    let script = "gunzip -c \"$0\" | mariadb --no-defaults -uroot -S \"$1\" --max-allowed-packet=64M \"$2\"";
    let restored = std::process::Command::new("bash")
        .args(["-o", "pipefail", "-c", script])
        .arg(store.copy().join("db/db.sql.gz"))
        .arg(store.server.private.socket())
        .arg(&target)
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    for table in ["bytes", "heap_text", "heap_as_text", "wide"] {
        let sum = |database: &str| store.server.sql(database, format!("CHECKSUM TABLE {table} EXTENDED"));
        assert_eq!(sum(&target).rsplit('\t').next(), sum(&store.name).rsplit('\t').next(), "{table}");
    }
}

#[tokio::test]
async fn the_frame_of_a_dump_is_for_every_server() {
    let store = server().store("CREATE TABLE a (id int)");
    dump(&store, &[]).await.unwrap();
    let sql = sql(&store);
    assert!(!sql.contains("999999") && !sql.to_lowercase().contains("gtid") && !sql.contains("LOCK TABLES"));
    assert!(sql.contains("/*!80400 SET @OLD_RFK=@@SESSION.restrict_fk_on_non_standard_key, SESSION restrict_fk_on_non_standard_key=OFF */;"));
    assert!(sql.contains("/*!80400 SET SESSION restrict_fk_on_non_standard_key=@OLD_RFK */;"));
    assert!(sql.contains("'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'") && sql.contains("SET NAMES utf8mb4"));
}
