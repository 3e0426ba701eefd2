//! What is archived: made from a seed, once.

use engine::demo::content::{self, Seed};
use engine::demo::server::PrivateServer;
use mysql_async::prelude::Queryable;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const MIB: usize = 1 << 20;

/// Makes `dir/name` with `make` unless it is complete; the name carries a version of what is in it.
fn once(dir: &Path, name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let (path, marker) = (dir.join(name), dir.join(format!("{name}.complete")));
    if !marker.exists() {
        println!("making {name} …");
        if path.exists() {
            fs::remove_dir_all(&path).expect("an incomplete folder can be removed");
        }
        fs::create_dir_all(&path).expect("the folder can be made");
        make(&path);
        fs::write(&marker, "").expect("the marker can be written");
    }
    path
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, content).expect("a file");
}

/// 20,000 files of code and styles and 1,500 images.
pub fn tree(dir: &Path) -> PathBuf {
    once(dir, "tree-1", |root| {
        for i in 0..20_000 {
            let path = format!("vendor/magento/module-{}/Model/Part{}/Class{i}.php", i % 200, i % 17);
            let seed = &mut Seed::of(&path);
            let size = seed.skewed(1700, 60_000);
            let text = match i % 5 {
                0 => content::xml(seed, size),
                1 => content::script(seed, size),
                2 => content::style(seed, size),
                _ => content::php(seed, "Magento\\Model", "Type", size),
            };
            write(&root.join(path), text.as_bytes());
        }
        for i in 0..1500 {
            let path = format!("pub/media/catalog/product/{:x}/{i}.jpg", i % 16);
            let seed = &mut Seed::of(&path);
            let size = seed.skewed(30_000, 300_000);
            write(&root.join(path), &content::jpeg(seed, size));
        }
    })
}

/// 100,000 small files, 100 photographs just below what is read in pieces, and one file of 2 GiB.
pub fn large_tree(dir: &Path) -> PathBuf {
    once(dir, "large-tree-2", |root| {
        let seed = &mut Seed::of("large");
        let text = content::php(seed, "Magento\\Model", "Type", 4 * MIB);
        for i in 0..100_000 {
            let size = seed.skewed(1700, 60_000);
            let start = seed.below(text.len() - size);
            let path = format!("vendor/vendor-{}/module-{}/src/Class{i}.php", i % 50, i % 900);
            write(&root.join(path), &text.as_bytes()[start..start + size]);
        }
        for i in 0..100 {
            let size = 4 * MIB - 1 - seed.below(MIB / 2);
            write(&root.join(format!("pub/media/catalog/product/{i}.jpg")), &content::jpeg(seed, size));
        }
        let mut file = File::create(root.join("video.mov")).expect("a file");
        for block in 0..2048 {
            let half = seed.bytes(MIB / 2);
            let start = (block * 977) % (text.len() - MIB / 2);
            file.write_all(&half)
                .and_then(|()| file.write_all(&text.as_bytes()[start..start + MIB / 2]))
                .expect("disk space");
        }
    })
}

/// 2 GiB that nothing can compress, and their SHA-256, which a pass knows from when it made the archive.
pub fn upload(dir: &Path) -> (PathBuf, String) {
    let folder = once(dir, "upload-1", |folder| {
        let seed = &mut Seed::of("upload");
        let mut file = File::create(folder.join("files.tgz")).expect("a file");
        let mut hash = Sha256::new();
        for _ in 0..2048 {
            let block = seed.bytes(MIB);
            hash.update(&block);
            file.write_all(&block).expect("disk space");
        }
        write(&folder.join("sha256"), hex::encode(hash.finalize()).as_bytes());
    });
    let sha256 = fs::read_to_string(folder.join("sha256")).expect("the hash beside the file");
    (folder.join("files.tgz"), sha256)
}

pub fn describe(tree: &Path) -> String {
    let (mut files, mut bytes) = (0u64, 0u64);
    count(tree, &mut files, &mut bytes);
    format!("{files} files, {} MiB", bytes >> 20)
}

fn count(dir: &Path, files: &mut u64, bytes: &mut u64) {
    for entry in fs::read_dir(dir).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("metadata");
        if meta.is_dir() {
            count(&entry.path(), files, bytes);
        } else {
            *files += 1;
            *bytes += meta.len();
        }
    }
}

/// A private server with the databases `shop` and, where asked for, `large`.
pub struct Database {
    server: PrivateServer,
    /// Signs `mariadb-dump` in like the engine: over TCP, with a password that no process list shows.
    pub defaults: PathBuf,
}

pub fn database(dir: &Path) -> Database {
    open(dir, &[("shop-1", fill_shop)])
}

pub fn database_with_large_table(dir: &Path) -> Database {
    open(dir, &[("large-1", fill_large)])
}

type Fill = fn(&mut dyn FnMut(&str));

fn open(dir: &Path, wanted: &[(&str, Fill)]) -> Database {
    let options =
        ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=1G", "--innodb-doublewrite=0"];
    let server =
        PrivateServer::start_with(&dir.join("database"), &options).expect("a private MariaDB server");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let options = mysql_async::Opts::from_url(&server.root_url("")).expect("a URL");
    let mut conn = runtime.block_on(mysql_async::Conn::new(options)).expect("a connection");
    let mut run = |sql: &str| runtime.block_on(conn.query_drop(sql)).expect("a statement");
    for statement in [
        "CREATE DATABASE IF NOT EXISTS shop",
        "CREATE DATABASE IF NOT EXISTS large",
        "CREATE USER IF NOT EXISTS bench@'127.0.0.1' IDENTIFIED BY 'bench'",
        "GRANT ALL ON *.* TO bench@'127.0.0.1'",
    ] {
        run(statement);
    }
    for (name, fill) in wanted {
        let marker = dir.join(format!("database-{name}.complete"));
        if !marker.exists() {
            println!("filling the database {name} …");
            fill(&mut run);
            fs::write(&marker, "").expect("the marker can be written");
        }
    }
    let defaults = dir.join("defaults.cnf");
    let text = format!("[client]\nhost=127.0.0.1\nport={}\nuser=bench\npassword=bench\n", server.port());
    fs::write(&defaults, text).expect("the options file can be written");
    Database { server, defaults }
}

impl Database {
    pub fn url(&self, database: &str) -> String {
        format!("mysql://bench:bench@127.0.0.1:{}/{database}", self.server.port())
    }

    pub fn describe(&self, database: &str) -> String {
        let files = self.server.dir().join("data").join(database);
        let (mut count_files, mut bytes) = (0, 0);
        count(&files, &mut count_files, &mut bytes);
        format!("database of {} MiB on disk", bytes >> 20)
    }
}

/// Multi-row inserts of about a megabyte.
fn insert(run: &mut dyn FnMut(&str), head: &str, rows: usize, mut row: impl FnMut(usize) -> String) {
    let mut text = String::new();
    for i in 0..rows {
        if text.is_empty() {
            text.push_str("INSERT INTO ");
            text.push_str(head);
            text.push_str(" VALUES ");
        } else {
            text.push(',');
        }
        text.push_str(&row(i));
        if text.len() > MIB {
            run(&text);
            text.clear();
        }
    }
    if !text.is_empty() {
        run(&text);
    }
}

/// EAV values, rewrites, order items, sessions: what fills a shop's database.
fn fill_shop(run: &mut dyn FnMut(&str)) {
    for statement in [
        "DROP DATABASE shop",
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
        "CREATE TABLE shop.catalog_product_entity_varchar (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL, store_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value varchar(255) DEFAULT NULL, PRIMARY KEY (value_id), KEY e (entity_id)) ENGINE=InnoDB",
        "CREATE TABLE shop.catalog_product_entity_decimal (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL, store_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value decimal(20,6) DEFAULT NULL, PRIMARY KEY (value_id)) ENGINE=InnoDB",
        "CREATE TABLE shop.catalog_product_entity_text (value_id int NOT NULL AUTO_INCREMENT, entity_id int unsigned NOT NULL, value mediumtext, PRIMARY KEY (value_id)) ENGINE=InnoDB",
        "CREATE TABLE shop.url_rewrite (url_rewrite_id int unsigned NOT NULL AUTO_INCREMENT, request_path varchar(255), target_path varchar(255), metadata varchar(255), PRIMARY KEY (url_rewrite_id), KEY r (request_path)) ENGINE=InnoDB",
        "CREATE TABLE shop.session (session_id varchar(255) NOT NULL, session_expires int unsigned NOT NULL, session_data mediumblob NOT NULL, PRIMARY KEY (session_id)) ENGINE=InnoDB",
    ] {
        run(statement);
    }
    let seed = &mut Seed::of("shop");
    insert(
        run,
        "shop.catalog_product_entity_varchar (attribute_id, store_id, entity_id, value)",
        1_000_000,
        |i| format!("({}, 0, {}, '{} {i}')", 60 + i % 40, i / 40, content::sentence(seed, 2 + i % 5)),
    );
    insert(
        run,
        "shop.catalog_product_entity_decimal (attribute_id, store_id, entity_id, value)",
        600_000,
        |i| format!("({}, 0, {}, {}.{:02})", 70 + i % 4, i / 4, seed.below(900), seed.below(100)),
    );
    insert(run, "shop.catalog_product_entity_text (entity_id, value)", 40_000, |i| {
        let words = seed.skewed(200, 3000);
        format!("({i}, '<p>{}</p>')", content::sentence(seed, words))
    });
    insert(run, "shop.url_rewrite (request_path, target_path, metadata)", 400_000, |i| {
        format!(
            "('{}-{i}.html', 'catalog/product/view/id/{i}', NULL)",
            content::sentence(seed, 4).replace(' ', "-")
        )
    });
    insert(run, "shop.session", 20_000, |i| {
        let size = seed.skewed(900, 20_000);
        let data: String = seed.bytes(size).iter().map(|b| format!("{b:02x}")).collect();
        format!("('{i:032x}', 1761800000, X'{data}')")
    });
}

/// One table with 1 GiB of row data.
fn fill_large(run: &mut dyn FnMut(&str)) {
    run("DROP DATABASE large");
    run("CREATE DATABASE large CHARACTER SET utf8mb4");
    run(
        "CREATE TABLE large.quote_item_option (option_id int unsigned NOT NULL AUTO_INCREMENT, item_id int unsigned NOT NULL, code varchar(255) NOT NULL, value mediumtext, PRIMARY KEY (option_id)) ENGINE=InnoDB",
    );
    let seed = &mut Seed::of("large table");
    let text = content::sentence(seed, 700_000);
    // 2000 bytes a row on average.
    let rows = (1 << 30) / 2000 + 1;
    insert(run, "large.quote_item_option (item_id, code, value)", rows, |i| {
        let size = 1000 + seed.below(2000);
        let start = seed.below(text.len() - size);
        format!("({i}, 'info_buyRequest', '{}')", &text[start..start + size])
    });
}
