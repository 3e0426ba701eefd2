SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE types (
  id int PRIMARY KEY, ti tinyint, bi bigint unsigned, dc decimal(65,30), f float, f2 float(7,4), d double, bits bit(64), bit1 bit(1),
  bin binary(4), vb varbinary(39), blb longblob, t text, c char(10), e enum('a','ü','it''s'), s set('x','y','z'),
  da date, dt datetime(6), ts timestamp(3) NULL, tm time(3), y year, g geometry, p point, js json, u uuid, ip inet6, z int(8) zerofill
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO types VALUES
 (1, -128, 18446744073709551615, 12345678901234567890123456789012345.123456789012345678901234567891, 3.4028234663852886e38, 12.3457, 1.7976931348623157e308,
  b'1111111111111111111111111111111111111111111111111111111111111111', b'1', 'ab', x'00FF27', x'00275C0D0A1A22FF', 'quote '' back \\ nul \0 nl \n cr \r sub \Z tab \t dq " emoji 😀', 'padded', 'ü', 'x,z',
  '2024-02-30', '0000-00-00 00:00:00', '2001-09-09 01:46:40.123', '-838:59:59.999', 1901, ST_GeomFromText('POINT(1.5 -2.5)', 4326), POINT(1, 2), '{"a": "\\u00e9 \\\\ é"}', UUID(), '2001:db8::ff00:42:8329', 42),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (3, 0, 0, 0, -0e0, 0.1, -0e0, b'0', b'0', '', '', '', '', '', '', '', '0000-00-00', '9999-12-31 23:59:59.999999', '2024-03-31 02:30:00', '00:00:00', 0, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL, '[]', '00000000-0000-0000-0000-000000000000', '::1.2.3.4', 0),
 (4, 1, 1, -0.000000000000000000000000000001, 1.1754943508222875e-38, -0.0001, 2.2250738585072014e-308, b'10', b'1', x'00000000', x'', x'30783030', '0x41', '😀', 'it''s', 'x,y,z', '0000-01-00', '2024-00-00 12:00:00', NULL, '838:59:59', 2155, ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))'), POINT(-0.1, 1e100), 'null', NULL, NULL, 99999999);
INSERT INTO types (id, f) SELECT 100 + seq, RAND(seq) * POW(10, seq % 30) FROM seq_1_to_300;

CREATE TABLE charsets (latin varchar(20) CHARACTER SET latin1, wide varchar(20) CHARACTER SET utf16, three varchar(20) CHARACTER SET utf8mb3, raw varchar(20) CHARACTER SET ascii, bin_text varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) ENGINE=InnoDB;
INSERT INTO charsets VALUES ('Ünïcödé €', 'wide 😀', 'drei ☃', 'plain', 'Case');

CREATE TABLE generated (id int PRIMARY KEY, base int, virtual_one int AS (base * 2) VIRTUAL, stored_one varchar(20) AS (CONCAT('n', base)) STORED, last_one int) ENGINE=InnoDB;
INSERT INTO generated (id, base, last_one) VALUES (1, 10, 5), (2, NULL, 6);
CREATE TABLE only_generated (a int AS (1) STORED) ENGINE=InnoDB;
INSERT INTO only_generated () VALUES (), (), ();
CREATE TABLE invisible (id int PRIMARY KEY, hidden int INVISIBLE DEFAULT 7) ENGINE=InnoDB;
INSERT INTO invisible (id, hidden) VALUES (1, 2), (2, 3);

CREATE TABLE `na``me with space -- ü ☃` (`c``ol` int PRIMARY KEY, `select` varchar(10), `b;c` int) ENGINE=InnoDB COMMENT='it''s ; a "comment"';
INSERT INTO `na``me with space -- ü ☃` VALUES (1, 'a;b', 2), (2, '--', 3);
CREATE TABLE zero_id (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO zero_id VALUES (0), (1);
CREATE TABLE counter_cl (version_id int AUTO_INCREMENT PRIMARY KEY, entity_id int) ENGINE=InnoDB AUTO_INCREMENT=48213;
CREATE TABLE empty_one (a int) ENGINE=InnoDB;
CREATE TABLE many (id int AUTO_INCREMENT PRIMARY KEY, v varchar(100), KEY (v)) ENGINE=InnoDB;
INSERT INTO many (v) SELECT CONCAT('value ', seq, ' ', REPEAT('é', seq % 30)) FROM seq_1_to_30000;
CREATE TABLE huge (id int PRIMARY KEY, big longtext, bin longblob) ENGINE=InnoDB;
INSERT INTO huge VALUES (1, REPEAT('it''s \\ a line\n', 100000), REPEAT(x'00FF275C', 300000)), (2, 'small', 'small');
INSERT INTO huge SELECT 3, NULL, REPEAT('s:7:"\0*\0name";s:9:"it''s \\ é 😀";\n', 20000);
CREATE TABLE sessions (id int PRIMARY KEY, data mediumblob, short varbinary(300), fixed binary(40)) ENGINE=InnoDB;
INSERT INTO sessions SELECT seq, CONCAT('data|s:4:"', CHAR(seq), '";'), CONCAT(REPEAT('x', seq), CHAR(seq)), CONCAT('a fixed text ', CHAR(seq), ' and more') FROM seq_0_to_255;
INSERT INTO sessions VALUES (1000, 'text with é, ☃ and 😀', 'quote '' back \\ nul \0 nl \n cr \r sub \Z tab \t dq "', 'short'), (1001, CONCAT('cut within a character ', x'F09F98'), CONCAT('-- /* ; DELIMITER ;;\n', x'E29883'), NULL);
CREATE TABLE partitioned (id int PRIMARY KEY, v int) ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO partitioned VALUES (1, 1), (11, 2);
CREATE TABLE on_disk (id int PRIMARY KEY, v text) ENGINE=MyISAM;
INSERT INTO on_disk VALUES (1, 'a');
CREATE TABLE versioned (id int PRIMARY KEY, v int) ENGINE=InnoDB WITH SYSTEM VERSIONING;
INSERT INTO versioned VALUES (1, 1);
UPDATE versioned SET v = 2;
CREATE TABLE parent (id int PRIMARY KEY, code int, KEY (code)) ENGINE=InnoDB;
CREATE TABLE a_child (id int PRIMARY KEY, code int, CONSTRAINT to_code FOREIGN KEY (code) REFERENCES parent (code)) ENGINE=InnoDB;
INSERT INTO parent VALUES (1, 5), (2, 5);
INSERT INTO a_child VALUES (1, 5);
CREATE TABLE log (id int AUTO_INCREMENT PRIMARY KEY, note varchar(100)) ENGINE=InnoDB;
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 5 NOCACHE;
SELECT NEXTVAL(numbers);
CREATE TABLE from_sequence (id bigint DEFAULT NEXTVAL(numbers) PRIMARY KEY, v int) ENGINE=InnoDB;

CREATE VIEW z_last AS SELECT id, v FROM partitioned;
CREATE SQL SECURITY INVOKER VIEW a_first AS SELECT id, v * 2 AS `dou``ble` FROM z_last;

DELIMITER //
CREATE FUNCTION double_it(n int) RETURNS int DETERMINISTIC COMMENT 'it''s; fine' BEGIN RETURN n * 2; END//
CREATE PROCEDURE fill(n int) BEGIN DECLARE i int DEFAULT 0; WHILE i < n DO INSERT INTO log (note) VALUES (CONCAT('filled;; ', i, ' DEFINER=`x`@`y` ')); SET i = i + 1; END WHILE; END//
CREATE FUNCTION ends_in_dashes(n int) RETURNS int DETERMINISTIC RETURN n + 1 -- the last word
//
CREATE PROCEDURE ends_in_a_hash() BEGIN SELECT 'it''s -- no comment'; END # the last word;;
//
CREATE TRIGGER tr_remark BEFORE UPDATE ON log FOR EACH ROW BEGIN SET NEW.note = UPPER(NEW.note); END -- the last word
//
CREATE EVENT remark ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' DISABLE DO DELETE FROM log WHERE id < 0 # the last word
//
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES'//
CREATE TRIGGER "tr one" AFTER INSERT ON types FOR EACH ROW BEGIN INSERT INTO "log" (note) VALUES ('one' || NEW.id); END//
SET sql_mode = DEFAULT//
CREATE TRIGGER tr_two AFTER INSERT ON types FOR EACH ROW INSERT INTO log (note) VALUES ('two')//
CREATE TRIGGER tr_zero AFTER INSERT ON types FOR EACH ROW PRECEDES tr_two INSERT INTO log (note) VALUES ('zero')//
CREATE TRIGGER tr_before BEFORE DELETE ON types FOR EACH ROW SET @gone = OLD.id//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'c' DO BEGIN DELETE FROM log; DELETE FROM log WHERE note = ';;'; END//
DELIMITER ;
SET NAMES latin1;
CREATE VIEW `@@N@@her` AS SELECT '@@U@@ DEFINER=`a`@`b`' AS `@@U@@ber`, double_it(2) AS two;
