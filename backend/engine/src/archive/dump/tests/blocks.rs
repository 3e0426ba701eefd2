use super::*;
use flate2::bufread::GzDecoder;
use std::collections::BTreeSet;
use std::io::Read;

/// What the members of the archive hold, one by one.
fn members(store: &Store) -> Vec<Vec<u8>> {
    let archive = std::fs::read(store.copy().join("db/db.sql.gz")).unwrap();
    let (mut rest, mut members) = (archive.as_slice(), Vec::new());
    while !rest.is_empty() {
        let (mut member, mut sql) = (GzDecoder::new(rest), Vec::new());
        member.read_to_end(&mut sql).unwrap();
        members.push(sql);
        rest = member.into_inner();
    }
    members
}

fn bytes(members: &[Vec<u8>]) -> usize {
    members.iter().map(Vec::len).sum()
}

/// 60 MB in one large table, a table of attributes, and many small ones.
fn schema() -> String {
    let small: String = (0..120)
        .map(|i| {
            format!(
                "CREATE TABLE small_{i} (id int AUTO_INCREMENT PRIMARY KEY, v varchar(100), w varchar(100)) ENGINE=InnoDB;
                 INSERT INTO small_{i} (v, w) SELECT MD5(seq), MD5(seq + {i}) FROM seq_1_to_{};",
                1 + i * 37 % 400
            )
        })
        .collect();
    format!(
        "CREATE TABLE items (id int PRIMARY KEY, sku varchar(64), data text) ENGINE=InnoDB;
         INSERT INTO items SELECT seq * 10, MD5(seq), CONCAT(REPEAT(MD5(seq + 1), 30), '\n''') FROM seq_1_to_60000;
         CREATE TABLE attributes (id int PRIMARY KEY, value varchar(100)) ENGINE=InnoDB;
         INSERT INTO attributes SELECT seq, MD5(seq) FROM seq_1_to_15000;
         CREATE TABLE photos (id int PRIMARY KEY, photo longblob) ENGINE=InnoDB;
         INSERT INTO photos SELECT seq, REPEAT(MD5(seq), 2000 * seq) FROM seq_1_to_15; {small}"
    )
}

#[tokio::test]
async fn a_change_moves_no_block_but_those_beside_it() {
    let store = server().store(schema());
    dump(&store, &[]).await.unwrap();
    let before = members(&store);
    store.sql(
        "UPDATE attributes SET value = CONCAT('another ', id) WHERE id % 250 = 7;
         INSERT INTO items VALUES (15, 'new', 'new'), (300005, 'new', REPEAT('new', 1000)), (9999999, 'new', 'new');
         DELETE FROM items WHERE id = 300050;
         INSERT INTO small_40 (v) VALUES ('new'), ('and another'); UPDATE photos SET photo = 'smaller' WHERE id = 12",
    );
    dump(&store, &[]).await.unwrap();
    let after = members(&store);
    let known: BTreeSet<&Vec<u8>> = before.iter().collect();
    let same: usize = after.iter().filter(|member| known.contains(member)).map(Vec::len).sum();
    assert!(same * 100 >= bytes(&after) * 90, "{same} of {} bytes are in blocks as before", bytes(&after));
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.checksums(&target), store.checksums(&store.name));
}

#[tokio::test]
async fn blocks_begin_with_a_statement_and_have_about_a_megabyte() {
    let store = server().store(schema());
    let dumped = dump(&store, &[]).await.unwrap();
    assert!(dumped.databases[0].max_statement_bytes < 2 << 20, "{}", dumped.databases[0].max_statement_bytes);
    let members = members(&store);
    let (mut of_items, mut small) = (Vec::new(), Vec::new());
    for member in &members[1..] {
        let sql = String::from_utf8_lossy(member);
        assert!(member.len() < 2 << 20, "a block of {} bytes", member.len());
        let begins = |with: &str| sql.starts_with(with);
        let insert = begins("INSERT INTO `items`");
        // Of values that are longer than a block, some hold nothing but digits.
        let piece = sql.bytes().next().is_some_and(|first| first.is_ascii_hexdigit());
        assert!(begins("\n--\n-- ") || begins("INSERT INTO `") || piece, "{}", &sql[..sql.len().min(60)]);
        if insert {
            of_items.push(member.len());
        } else if sql.contains("TABLE `small_") {
            small.push(member.len());
            assert!(!sql.contains("TABLE `items`") && !sql.contains("TABLE `photos`"));
        }
        if insert || begins("\n--\n-- Table `items`") {
            assert!(sql.ends_with(";\n") && sql.matches("INSERT INTO").count() == 1);
        }
    }
    let mean = of_items.iter().sum::<usize>() / of_items.len();
    assert!((700 << 10..1400 << 10).contains(&mean), "{mean} bytes on average");
    // 120 tables of 15 KB: together in a few.
    assert!((2..8).contains(&small.len()), "{small:?}");
}
