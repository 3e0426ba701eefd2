//! A shop's files in the shape that was measured on real ones: 99,000 files in 36,000 directories, 1.1 GB; code with a median of
//! 1.7 KB, a 99th percentile of 55 KB and a maximum of 3.3 MB, 22 % of the paths longer than a tar header's 100 bytes, the longest 220;
//! and half a gigabyte of images of 20 to 300 KB, a few of some MB.

use super::media::image;
use super::text::{Language, text};
use super::words::{camel, hex, joined, prose};
use super::{at_once, once};
use engine::demo::content::Seed;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const MODULES: usize = 690;
const DIRECTORIES_PER_MODULE: usize = 48;
const CODE_FILES: usize = 92_200;
const IMAGES: usize = 6800;
const LARGE_FILES: usize = 120;
const LARGEST: usize = 3_300_000;
/// 2024-01-01
const RELEASED: u64 = 1_704_067_200;

/// A file, and all that its content follows from.
pub struct Planned {
    path: String,
    size: usize,
    content: Content,
}

enum Content {
    Text(Language, String),
    Image(&'static str),
}

/// Around `median`, as sizes of files are: logarithmically normal.
fn around(seed: &mut Seed, median: f64, deviation: f64) -> f64 {
    // The sum of twelve is normal enough, and the same on every machine.
    let normal = (0..12).map(|_| seed.below(1 << 20) as f64 / f64::from(1 << 20)).sum::<f64>() - 6.0;
    median * (normal * deviation).exp()
}

pub struct Plan {
    pub root: PathBuf,
    files: Vec<Planned>,
}

/// The tree, made when it is not there.
pub fn tree(dir: &Path) -> Plan {
    let files = plan();
    let root = once(dir, "tree-", 4, |root| {
        at_once(&files, |file| {
            let path = root.join(&file.path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            file.write(&path, 0);
        });
        // Room in the page cache must not have to be written back while something is measured.
        rustix::fs::sync();
    });
    Plan { root, files }
}

fn plan() -> Vec<Planned> {
    let mut files = code();
    files.extend(images());
    files
}

/// Where a module lies, and what it has most of.
fn base(seed: &mut Seed, module: usize) -> String {
    match module % 20 {
        0..10 => {
            let words = 1 + seed.below(3);
            format!("vendor/magento/module-{}", joined(seed, words, "-"))
        }
        10..14 => format!("vendor/{}/{}", joined(seed, 1, ""), joined(seed, 2, "-")),
        14 => format!("vendor/{0}/{0}/src/{1}", joined(seed, 1, ""), camel(seed, 1)),
        15 => format!("app/code/{}/{}", camel(seed, 1), camel(seed, 2)),
        16 => format!("dev/tests/integration/testsuite/Magento/{}", camel(seed, 2)),
        17 => format!("generated/code/Magento/{}", camel(seed, 2)),
        _ => format!(
            "pub/static/frontend/Magento/luma/{}/Magento_{}",
            ["en_US", "de_DE", "fr_FR"][seed.below(3)],
            camel(seed, 2)
        ),
    }
}

fn language(seed: &mut Seed, is_static: bool) -> Language {
    use Language::*;
    match (is_static, seed.below(100)) {
        (false, 0..64) => Php,
        (false, 64..80) => Xml,
        (false, 80..86) => Template,
        (false, 86..90) => Script,
        (false, 90..93) => Style,
        (false, 93..95) => Json,
        (false, 95..97) => Translation,
        (false, _) => Prose,
        (true, 0..60) => Script,
        (true, 60..80) => Style,
        (true, 80..90) => Template,
        (true, _) => Json,
    }
}

/// Directories grow below one another, and files in them.
fn code() -> Vec<Planned> {
    let per_module = CODE_FILES / MODULES;
    let mut files = Vec::with_capacity(CODE_FILES);
    let mut taken = HashSet::new();
    for module in 0..MODULES {
        let seed = &mut Seed::of(&format!("module {module}"));
        let base = base(seed, module);
        let is_static = base.starts_with("pub/static");
        let mut directories = vec![(base.clone(), 0)];
        while directories.len() < DIRECTORIES_PER_MODULE {
            let (parent, depth) = &directories[seed.below(directories.len())];
            if *depth < 7 {
                let words = 1 + usize::from(seed.below(5) == 0);
                let below = (format!("{parent}/{}", camel(seed, words)), depth + 1);
                directories.push(below);
            }
        }
        let wanted = per_module + usize::from(module < CODE_FILES % MODULES);
        for i in 0..wanted {
            // Every directory has a file; some have many.
            let at = if i < directories.len() {
                i
            } else {
                seed.below(directories.len()).min(seed.below(directories.len()))
            };
            let language = language(seed, is_static);
            let words = [1, 1, 1, 1, 2, 2, 2, 3][seed.below(8)];
            let mut path = format!("{}/{}.{}", directories[at].0, camel(seed, words), language.extension());
            if !taken.insert(path.clone()) {
                path = format!("{}/{i}-{}.{}", directories[at].0, camel(seed, 1), language.extension());
            }
            let size = around(seed, 1700.0, 1.5).clamp(40.0, 200_000.0) as usize;
            files.push(Planned { path, size, content: Content::Text(language, base.clone()) });
        }
    }
    let seed = &mut Seed::of("large files");
    for i in 0..LARGE_FILES {
        let step = files.len() / LARGE_FILES;
        files[i * step].size = 200_000 + around(seed, 600_000.0, 0.6) as usize;
        files[i * step].size = files[i * step].size.min(LARGEST);
    }
    files[0].size = LARGEST;
    files[1].path = format!(
        "dev/tests/integration/testsuite/Magento/Framework/_files/long/{}.php",
        "LongName".repeat(19)
    );
    files
}

fn images() -> Vec<Planned> {
    let seed = &mut Seed::of("images");
    let mut image = |i: usize| {
        let kind = ["jpg", "jpg", "jpg", "jpg", "jpg", "jpg", "jpg", "png", "png", "webp"][seed.below(10)];
        let size = match i % 200 {
            0 => around(seed, 1_900_000.0, 0.4).clamp(1e6, 5e6),
            _ => around(seed, 56_000.0, 0.6).clamp(20_000.0, 300_000.0),
        };
        let name = joined(seed, 2, "_");
        let folder = match i % 3 {
            0 => String::from("pub/media/catalog/product"),
            _ => format!("pub/media/catalog/product/cache/{}", hex(&mut Seed::new(i as u64 % 9), 32)),
        };
        let path = format!("{folder}/{}/{}/{name}-{i}.{kind}", &name[..1], &name[1..2]);
        Planned { path, size: size as usize, content: Content::Image(kind) }
    };
    (0..IMAGES).map(&mut image).collect()
}

impl Planned {
    /// What the file holds in a version; 0 is the one it is made with.
    fn bytes(&self, version: usize) -> Vec<u8> {
        let first = self.make(&mut Seed::of(&self.path), self.size);
        if version == 0 {
            return first;
        }
        // A third in the middle is another one; every other file has another size then, too.
        let seed = &mut Seed::of(&format!("{} {version}", self.path));
        let third = first.len() / 3;
        let grown = if seed.below(2) == 0 { third } else { third * (80 + seed.below(40)) / 100 };
        let mut middle = self.make(seed, grown * 2);
        middle.drain(..middle.len().saturating_sub(grown));
        [&first[..third], &middle, &first[first.len() - third..]].concat()
    }

    fn make(&self, seed: &mut Seed, size: usize) -> Vec<u8> {
        match &self.content {
            Content::Text(Language::Prose, _) if size < 400 => prose(seed, 1 + size / 7).into_bytes(),
            Content::Text(language, module) => {
                let mut text = text(seed, *language, module, size).into_bytes();
                text.truncate(size);
                text
            }
            Content::Image(kind) => image(seed, kind, size),
        }
    }

    /// In place: the directory around it keeps its times.
    fn write(&self, path: &Path, version: usize) {
        let mut file = File::create(path).expect("a file");
        file.write_all(&self.bytes(version)).expect("disk space");
        // A release's files are of one day, and a changed file is newer.
        let module = Seed::of(path.parent().and_then(Path::to_str).unwrap_or_default()).below(300) as u64;
        let modified = Duration::from_secs(RELEASED + module * 86_400 + version as u64);
        file.set_modified(SystemTime::UNIX_EPOCH + modified).expect("a time can be set");
    }
}

impl Plan {
    /// Rewrites a share of the files, scattered evenly; `version` 0 gives them back as they were made.
    pub fn change(&self, percent: usize, version: usize) {
        let chosen: Vec<&Planned> =
            self.files.iter().filter(|f| Seed::of(&f.path).below(100) < percent).collect();
        at_once(&chosen, |file| file.write(&self.root.join(&file.path), version));
        rustix::fs::sync();
    }

    /// The first version of every fourth image.
    pub fn each_image(&self, mut see: impl FnMut(&[u8])) {
        let images = self.files.iter().filter(|file| matches!(file.content, Content::Image(_)));
        images.step_by(4).for_each(|file| see(&file.bytes(0)));
    }

    pub fn describe(&self) -> String {
        let (files, bytes) = super::count(&self.root);
        format!("{files} files, {} MiB", bytes >> 20)
    }
}
