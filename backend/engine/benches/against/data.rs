//! What is archived: made from a seed, once.

mod media;
pub mod shape;
pub mod shop;
mod text;
mod tree;
mod words;

pub use tree::tree;

use engine::demo::content::{self, Seed};
use engine::demo::server::PrivateServer;
use mysql_async::prelude::Queryable;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const MIB: usize = 1 << 20;

/// Makes the folder `stem` + `version` in `dir` with `make` unless it is complete. Other versions of it are removed.
fn once(dir: &Path, stem: &str, version: u32, make: impl FnOnce(&Path)) -> PathBuf {
    let path = dir.join(format!("{stem}{version}"));
    if !first_time(dir, stem, version) {
        return path;
    }
    fs::create_dir_all(&path).expect("the folder can be made");
    make(&path);
    complete(dir, stem, version);
    path
}

fn marker(stem: &str, version: u32) -> String {
    format!("{stem}{version}.complete")
}

/// Whether the data is to be made; what is there of it, incomplete or of another version, is removed.
fn first_time(dir: &Path, stem: &str, version: u32) -> bool {
    if dir.join(marker(stem, version)).exists() {
        return false;
    }
    println!("making {stem}{version} …");
    for entry in fs::read_dir(dir).expect("a readable folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let of_a_version = |rest: &str| rest.trim_end_matches(".complete").parse::<u32>().is_ok();
        if name.strip_prefix(stem).is_some_and(of_a_version) {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.expect("older data can be removed");
        }
    }
    true
}

fn complete(dir: &Path, stem: &str, version: u32) {
    fs::write(dir.join(marker(stem, version)), "").expect("the marker can be written");
}

/// Does something with each, on all cores.
fn at_once<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(cores).max(1)) {
            let work = &work;
            scope.spawn(move || part.iter().for_each(work));
        }
    });
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, content).expect("a file");
}

/// 100,000 small files, 100 photographs just below what is read in pieces, and one file of 2 GiB.
pub fn large_tree(dir: &Path) -> PathBuf {
    once(dir, "large-tree-", 2, |root| {
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
    let folder = once(dir, "upload-", 1, |folder| {
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
    let (files, bytes) = count(tree);
    format!("{files} files, {} MiB", bytes >> 20)
}

/// Files below a folder, and their bytes.
fn count(dir: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(dir).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("metadata");
        let (more, larger) = if meta.is_dir() { count(&entry.path()) } else { (1, meta.len()) };
        files += more;
        bytes += larger;
    }
    (files, bytes)
}

/// A private server with the databases `shop` and, where asked for, `large`.
pub struct Database {
    server: PrivateServer,
    /// Signs `mariadb-dump` in like the engine: over TCP, with a password that no process list shows.
    pub defaults: PathBuf,
}

type Fill = fn(&mut dyn FnMut(&str));

pub fn database(dir: &Path) -> Database {
    open(dir, "database-shop-", 4, shop::fill)
}

pub fn database_with_large_table(dir: &Path) -> Database {
    open(dir, "database-large-", 2, fill_large)
}

fn open(dir: &Path, stem: &str, version: u32, fill: Fill) -> Database {
    // Everything fits into the buffer pool: disks are not what is compared.
    let options = [
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=2G",
        "--innodb-doublewrite=0",
        "--innodb-log-file-size=192M",
    ];
    let server =
        PrivateServer::start_with(&dir.join("database"), &options).expect("a private MariaDB server");
    let defaults = dir.join("defaults.cnf");
    let text = format!("[client]\nhost=127.0.0.1\nport={}\nuser=bench\npassword=bench\n", server.port());
    fs::write(&defaults, text).expect("the options file can be written");
    let database = Database { server, defaults };
    database.run(|run| {
        for statement in [
            "CREATE DATABASE IF NOT EXISTS shop",
            "CREATE DATABASE IF NOT EXISTS large",
            "CREATE USER IF NOT EXISTS bench@'127.0.0.1' IDENTIFIED BY 'bench'",
            "GRANT ALL ON *.* TO bench@'127.0.0.1'",
        ] {
            run(statement);
        }
        if first_time(dir, stem, version) {
            fill(run);
            complete(dir, stem, version);
        }
    });
    database
}

impl Database {
    /// Runs statements on a connection of their own.
    pub fn run(&self, work: impl FnOnce(&mut dyn FnMut(&str))) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = mysql_async::Opts::from_url(&self.server.root_url("")).expect("a URL");
        let mut conn = runtime.block_on(mysql_async::Conn::new(options)).expect("a connection");
        work(&mut |sql| runtime.block_on(conn.query_drop(sql)).expect("a statement"));
        runtime.block_on(conn.disconnect()).expect("the connection ends");
    }

    pub fn url(&self, database: &str) -> String {
        format!("mysql://bench:bench@127.0.0.1:{}/{database}", self.server.port())
    }

    pub fn describe(&self, database: &str) -> String {
        let (_, bytes) = count(&self.server.dir().join("data").join(database));
        format!("database of {} MiB on disk", bytes >> 20)
    }
}

/// Multi-row inserts of about a megabyte. Each row follows from its table and its id.
fn insert(
    run: &mut dyn FnMut(&str),
    table: &str,
    ids: RangeInclusive<usize>,
    row: impl Fn(&mut Seed, usize) -> String,
) {
    let mut text = String::new();
    for id in ids {
        let head = if text.is_empty() { format!("INSERT INTO {table} VALUES (") } else { ",(".into() };
        text.push_str(&head);
        text.push_str(&row(&mut Seed::of(&format!("{table} {id}")), id));
        text.push(')');
        if text.len() > MIB {
            run(&text);
            text.clear();
        }
    }
    if !text.is_empty() {
        run(&text);
    }
}

/// One table with 1 GiB of row data.
fn fill_large(run: &mut dyn FnMut(&str)) {
    run("DROP DATABASE large");
    run("CREATE DATABASE large CHARACTER SET utf8mb4");
    run(
        "CREATE TABLE large.quote_item_option (option_id int unsigned NOT NULL AUTO_INCREMENT, item_id int unsigned NOT NULL, code varchar(255) NOT NULL, value mediumtext, PRIMARY KEY (option_id)) ENGINE=InnoDB",
    );
    let text = content::sentence(&mut Seed::of("large table"), 700_000);
    // 2000 bytes a row on average.
    let rows = (1 << 30) / 2000 + 1;
    insert(run, "large.quote_item_option", 1..=rows, |seed, id| {
        let size = 1000 + seed.below(2000);
        let start = seed.below(text.len() - size);
        format!("{id},{id},'info_buyRequest','{}'", &text[start..start + size])
    });
}
