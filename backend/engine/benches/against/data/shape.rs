//! What the data is like, to compare with what was measured on real stores and catalogue images.

use super::tree::Plan;
use libdeflater::{CompressionLvl, Compressor};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

const MEGABYTE: f64 = 1e6;
/// libdeflate's, as the engine uses it.
const LEVELS: [i32; 4] = [2, 4, 5, 6];
const HEADS: [usize; 3] = [4 << 10, 16 << 10, 64 << 10];

pub fn print(dir: &Path) {
    let tree = super::tree(dir);
    entries(&tree);
    let root = tree.root.display();
    streams("code and static files", &format!("tar -C '{root}' --exclude=./pub/media -cf - ."));
    images(&tree);
    let database = super::database(dir);
    println!("{}", database.describe("shop"));
    let defaults = database.defaults.display();
    streams(
        "SQL",
        &format!("mariadb-dump --defaults-extra-file='{defaults}' --single-transaction --quick shop"),
    );
}

fn entries(tree: &Plan) {
    let (mut sizes, mut directories, mut lengths) = (Vec::new(), 0, Vec::new());
    let mut open = vec![tree.root.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a readable folder").flatten() {
            let (path, meta) = (entry.path(), entry.metadata().expect("metadata"));
            let name = path.strip_prefix(&tree.root).expect("below the root").as_os_str().len();
            lengths.push(name);
            if meta.is_dir() {
                directories += 1;
                open.push(path);
            } else {
                let media = path.starts_with(tree.root.join("pub/media"));
                sizes.push((media, meta.len()));
            }
        }
    }
    for (media, what) in [(false, "code and static files"), (true, "images")] {
        let mut of: Vec<u64> = sizes.iter().filter(|(m, _)| *m == media).map(|(_, size)| *size).collect();
        of.sort_unstable();
        println!(
            "{} {what}, {:.0} MB: median {}, 99th percentile {}, largest {}",
            of.len(),
            of.iter().sum::<u64>() as f64 / MEGABYTE,
            of[of.len() / 2],
            of[of.len() * 99 / 100],
            of[of.len() - 1]
        );
    }
    let long = lengths.iter().filter(|length| **length > 100).count() as f64 / lengths.len() as f64;
    println!(
        "{directories} directories, {} entries; {:.1} % of the paths above 100 bytes, the longest {}",
        lengths.len() + 1,
        long * 100.0,
        lengths.iter().max().expect("entries")
    );
}

/// How a stream compresses, in members of 1 MiB as the engine makes them.
fn streams(what: &str, command: &str) {
    let shell = |script: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-c", script]).stdout(Stdio::piped()).spawn().expect("bash is there")
    };
    let mut text = String::new();
    let mut gzip = shell(&format!("{command} | gzip -6 | wc -c"));
    gzip.stdout.take().expect("a pipe").read_to_string(&mut text).expect("a number");
    gzip.wait().expect("bash ends");
    let gzip: f64 = text.trim().parse().expect("a number");

    let mut source = shell(command);
    let mut stream = source.stdout.take().expect("a pipe");
    let (mut plain, mut sums) = (0, [0; LEVELS.len()]);
    let mut block = Vec::new();
    while stream.by_ref().take(1 << 20).read_to_end(&mut block).expect("the stream") > 0 {
        plain += block.len();
        for (sum, level) in sums.iter_mut().zip(LEVELS) {
            *sum += deflated(&block, level);
        }
        block.clear();
    }
    source.wait().expect("bash ends");
    let levels: Vec<String> =
        LEVELS.iter().zip(sums).map(|(level, sum)| format!("L{level} {:.3}", sum as f64 / gzip)).collect();
    println!(
        "{what}: {:.0} MB, gzip -6 {:.1} MB = {:.2} : 1; libdeflate to gzip -6: {}",
        plain as f64 / MEGABYTE,
        gzip / MEGABYTE,
        plain as f64 / gzip,
        levels.join(", ")
    );
}

fn deflated(bytes: &[u8], level: i32) -> usize {
    let mut compressor = Compressor::new(CompressionLvl::new(level).expect("a level"));
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    compressor.gzip_compress(bytes, &mut out).expect("enough room")
}

/// What storing all but the head of each image costs.
fn images(tree: &Plan) {
    let (mut plain, mut whole, mut heads) = (0, 0, [0; HEADS.len()]);
    tree.each_image(|bytes| {
        plain += bytes.len();
        whole += deflated(bytes, 6);
        for (sum, head) in heads.iter_mut().zip(HEADS) {
            let head = head.min(bytes.len());
            *sum += deflated(&bytes[..head], 6) + bytes.len() - head;
        }
    });
    let heads: Vec<String> = HEADS
        .iter()
        .zip(heads)
        .map(|(head, sum)| format!("{} KiB {:+.2} %", head >> 10, (sum as f64 / whole as f64 - 1.0) * 100.0))
        .collect();
    println!(
        "images: deflating takes off {:.2} %; stored after a head of {}",
        (1.0 - whole as f64 / plain as f64) * 100.0,
        heads.join(", ")
    );
}
