SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', cte_max_recursion_depth = 5000, restrict_fk_on_non_standard_key=OFF, time_zone='+00:00';
SET NAMES utf8mb4;
CREATE TABLE numbers (id int PRIMARY KEY, ti tinyint, tu tinyint unsigned, si smallint, mi mediumint, mu mediumint unsigned, i int, iu int unsigned,
  bi bigint, bu bigint unsigned, dc decimal(65,30), dn decimal(20,6), f float, d double, du double unsigned, b1 bit(1), b9 bit(9), b64 bit(64), y year, zf int(8) unsigned zerofill, dz decimal(10,2) zerofill, f74 float(7,4), d102 double(10,2), bo bool) ENGINE=InnoDB;
INSERT INTO numbers VALUES
 (0, -128, 255, -32768, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,
  -99999999999999999999999999999999999.999999999999999999999999999999, 99999999999999.999999, -3.4028234663852886e38, -1.7976931348623157e308, 1.7976931348623157e308,
  b'1', b'101010101', b'1111111111111111111111111111111111111111111111111111111111111110', 2155, 42, 1.5, -1.2345, -1.5, true),
 (1, 127, 0, 32767, 8388607, 0, 2147483647, 0, 9223372036854775807, 9223372036854775808, 0, -0.000001, 1.401298464324817e-45, 2.2250738585072009e-308, 0, b'0', b'0', b'0', 0, 0, 0, 0, 0, false),
 (2, -1, 1, -1, -1, 1, -1, 1, -1, 1, 0.000000000000000000000000000001, 1, -0e0, -0e0, 1e15, NULL, NULL, NULL, 1901, NULL, NULL, NULL, NULL, NULL),
 (4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1e34, 0.1, 16777217, 9007199254740993, 123456789012345.67, b'1', b'11111111', b'10', 2000, 99999999, 99999999.99, 999.9999, 99999999.99, 1);
INSERT INTO numbers (id) VALUES (3);
INSERT INTO numbers (id, f, d) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM s WHERE n < 3000) SELECT 10 + n, RAND(n) * POW(10, n % 60) / 1e30, (RAND(n) - 0.5) * POW(10, n % 300) / IF(n % 2, 1e300, 1) FROM s;
CREATE TABLE times (id int PRIMARY KEY, da date, t0 time, t1 time(1), t3 time(3), t6 time(6), dt datetime, d2 datetime(2), d6 datetime(6), ts timestamp NULL, t4 timestamp(4) NULL) ENGINE=InnoDB;
INSERT INTO times VALUES
 (0, '0000-00-00', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'),
 (1, '2024-02-30', '-838:59:59', '-838:59:58.9', '-838:59:58.999', '-838:59:58.999999', '2024-02-31 23:00:00', '2023-02-29 01:02:03.45', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:01', '2038-01-19 03:14:07.4999'),
 (2, '0000-01-00', '838:59:59', '100:00:00.1', '99:59:59.001', '-00:00:00.000001', '2024-00-00 12:00:00', '0001-01-01 00:00:00.01', '1000-01-01 00:00:00.000001', '2024-03-31 01:30:00', '2024-10-27 00:30:00.0001'),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE texts (id int PRIMARY KEY, l1 varchar(50) CHARACTER SET latin1, u16 varchar(50) CHARACTER SET utf16, u32 char(20) CHARACTER SET utf32, u2 varchar(50) CHARACTER SET ucs2,
  u8 varchar(50) CHARACTER SET utf8mb4, cp mediumtext CHARACTER SET cp1251, tt tinytext, lt longtext, js json, bi binary(5), vb varbinary(39), tb tinyblob, bl blob, mb mediumblob, lb longblob,
  e enum('ü','it''s','a,b') CHARACTER SET latin1, s set('x','it''s','ü'), `last one` char(3), ee enum('','a'), ne enum('a','b') NOT NULL DEFAULT 'a') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT IGNORE INTO texts VALUES
 (0, 'Ü it''s \\ "', 'it''s 😀\\', '😀''', '☃''', '😀 it''s \\ \0\n\r\Z\t"%\_', 'Ж it''s', '', REPEAT('0123456789 ''\\\n😀', 500), '{"a": "\\u00e9 it''s 😀 \\\\", "d": 1.5, "big": 18446744073709551615}', x'00', x'00275C0D0A1A22FF', '', x'27', x'5C', x'1A', 'it''s', 'x,it''s,ü', '', '', 'zzz'),
 (1, '', '', '', '', '', '', '', '', '[]', '', '', '', '', '', '', '', '', 'a', 'none', 'b'),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a'),
 (4, '-- no comment', '/*!40101 x */', ';', '#', '/* ; */', 'DELIMITER ;;', '\\.', '\\N', '{}', 'a', 'a', 'a', 's:12:"a text of its own";', 'a', 'a', 'ü', '', ';;', 'a', 'a');
CREATE TABLE shapes (id int PRIMARY KEY, g geometry NOT NULL SRID 4326, pt point, gc geometrycollection, v vector(4), SPATIAL INDEX (g)) ENGINE=InnoDB;
INSERT INTO shapes VALUES (0, ST_GeomFromText('POINT(1.5 -2.5)', 4326), POINT(-0.1, 1e300), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'), TO_VECTOR('[1.5,-2,0.1,3e38]')), (1, ST_GeomFromText('LINESTRING(0 0,1 1)', 4326), NULL, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL);
CREATE TABLE `we``ird "na'me😀` (`a``b c` int AUTO_INCREMENT PRIMARY KEY, hid int INVISIBLE DEFAULT 7, gen int GENERATED ALWAYS AS (hid * 2) STORED, virt varchar(30) AS (CONCAT("v", hid)) VIRTUAL, ex varchar(36) DEFAULT (UUID()), CHECK (hid >= 0), KEY fx ((gen + 1)));
INSERT INTO `we``ird "na'me😀` (`a``b c`, hid, ex) VALUES (0, 1, 'x'), (5, 2, 'y');
CREATE TABLE all_gen (a int AS (1) VIRTUAL, b int AS (2) STORED); INSERT INTO all_gen VALUES (), ();
CREATE TABLE huge (id int PRIMARY KEY, b longblob, t longtext) ENGINE=InnoDB;
INSERT INTO huge VALUES (1, REPEAT(x'00275CFF', 5 << 20), NULL), (2, '', ''), (3, NULL, REPEAT('é''', 6 << 20));
CREATE TABLE edges (id int PRIMARY KEY, ss set('','x'), dw double(255,2)) ENGINE=InnoDB;
INSERT INTO edges VALUES (1, 1, 1e70), (2, 2, -1.5), (3, 0, 1.2345e300), (4, NULL, NULL), (5, 3, 0);
CREATE TABLE parent (a int, b int, KEY (a)); INSERT INTO parent VALUES (1, 1), (1, 2);
CREATE TABLE child (id int PRIMARY KEY, p int, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (a)); INSERT INTO child VALUES (1, 1), (2, NULL);
CREATE TABLE parts (id int, y int, PRIMARY KEY (id, y)) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE); INSERT INTO parts VALUES (1, 1999), (2, 2020);
CREATE VIEW v1 AS SELECT id, u8 FROM texts; CREATE VIEW v0 AS SELECT * FROM v1;
DELIMITER ;;
CREATE TRIGGER tr BEFORE INSERT ON child FOR EACH ROW BEGIN SET NEW.p = NEW.p; END;;
CREATE PROCEDURE pr(IN a int) BEGIN SELECT a -- a comment
; END;;
CREATE FUNCTION fu(a int) RETURNS int DETERMINISTIC RETURN a + 1;;
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM child WHERE id < 0;;
DELIMITER ;
CREATE VIEW vf AS SELECT fu(id) AS x FROM child;
