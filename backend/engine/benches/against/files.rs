//! A tree as an archive: the first time, and again after little or much has changed.

use crate::measure::{self, Contender, Work};
use crate::{SETTLE, data, folder, keep, ourselves, out, report};
use std::path::Path;
use std::rc::Rc;

/// Of a hundred files so many change in front of a later pass.
const LATER: [(&str, usize); 3] =
    [("files, unchanged", 0), ("files, 1 % changed", 1), ("files, 10 % changed", 10)];
/// The most that change.
const ALL_CHANGES: usize = 10;

pub fn compare(dir: &Path, rounds: usize) -> Vec<Work> {
    let tree = Rc::new(data::tree(dir));
    // A run that was interrupted left changes.
    tree.change(ALL_CHANGES, 0);
    std::thread::sleep(SETTLE);
    let (out, base) = (out(dir), folder(dir, "base"));
    let (source, target) = (tree.root.display().to_string(), out.display().to_string());
    let own = |mode: &str, more: &[&str]| ourselves(mode, &[&[&*source, &*target], more].concat());
    let piped = |tool: &str| {
        format!("tar -C '{source}' -cf - . | {tool} > '{target}/files.tgz' && sync '{target}/files.tgz'")
    };
    let kept = || {
        let (out, base) = (out.clone(), base.clone());
        move || keep(&out, &base)
    };

    // Brings the tree into the page cache, too.
    Contender::new("storekeep", own("files", &[])).after(kept()).warm_up(&out);
    let first = vec![
        Contender::new("storekeep", own("files", &[])),
        Contender::new("tar | gzip -6", piped("gzip -6")),
        Contender::new("tar | pigz -p2 -6", piped("pigz -p2 -6")),
    ];
    let title = |name: &str| format!("{name}: {}", tree.describe());
    let mut works = vec![Work::new("files, first pass", title("files, first pass"), first).against(2)];
    for (nth, (name, percent)) in LATER.into_iter().enumerate() {
        let contenders = vec![
            Contender::new("storekeep", own("files-again", &[&base.display().to_string()])).after(kept()),
            Contender::new("tar | pigz -p2 -6", piped("pigz -p2 -6")),
        ];
        let changing = Rc::clone(&tree);
        let prepare = move |round: usize| {
            if percent > 0 {
                changing.change(percent, 1 + round * LATER.len() + nth);
                std::thread::sleep(SETTLE);
            }
        };
        works.push(Work::new(name, title(name), contenders).against(1).before(prepare));
    }
    measure::run(&mut works, &out, rounds);
    report::print(&works);
    tree.change(ALL_CHANGES, 0);
    drop(folder(dir, "base"));
    works
}
