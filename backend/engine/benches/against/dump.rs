//! A database as a dump: the first time, and again after little has changed.

use crate::measure::{self, Contender, Work};
use crate::{data, folder, keep, ourselves, out, report};
use std::path::Path;
use std::rc::Rc;

pub fn compare(dir: &Path, rounds: usize) -> Vec<Work> {
    let database = Rc::new(data::database(dir));
    // A run that was interrupted left changes.
    database.run(|run| data::shop::change(run, 0));
    let (out, base) = (out(dir), folder(dir, "base"));
    let (url, target) = (database.url("shop"), out.display().to_string());
    let defaults = database.defaults.display();
    let own = |mode: &str, more: &[&str]| ourselves(mode, &[&[&*url, &*target], more].concat());
    let piped = |tool: &str| {
        format!(
            "mariadb-dump --defaults-extra-file='{defaults}' --single-transaction --quick shop | {tool} > '{target}/db.sql.gz' && sync '{target}/db.sql.gz'"
        )
    };
    let kept = || {
        let (out, base) = (out.clone(), base.clone());
        move || keep(&out, &base)
    };

    // Brings the rows into the buffer pool, too.
    Contender::new("storekeep", own("dump", &[])).after(kept()).warm_up(&out);
    let mut first = vec![
        Contender::new("storekeep", own("dump", &[])),
        Contender::new("mariadb-dump | gzip -6", piped("gzip -6")),
        Contender::new("mariadb-dump | pigz -p2 -6", piped("pigz -p2 -6")),
    ];
    if have("mydumper") {
        first.push(Contender::new(
            "mydumper -t 2 -c",
            format!(
                "mydumper --defaults-file='{defaults}' -B shop -t 2 -c -v 1 -o '{target}/mydumper' && sync '{target}'/mydumper/*"
            ),
        ));
    } else {
        println!("mydumper is not here to compare with");
    }
    let title = |name: &str| format!("{name}: {}", database.describe("shop"));
    let later = || {
        vec![
            Contender::new("storekeep", own("dump-again", &[&base.display().to_string()])).after(kept()),
            Contender::new("mariadb-dump | pigz -p2 -6", piped("pigz -p2 -6")),
        ]
    };
    let changing = Rc::clone(&database);
    let prepare = move |round: usize| changing.run(|run| data::shop::change(run, 1 + round));
    let mut works = vec![
        Work::new("dump, first pass", title("dump, first pass"), first).against(2),
        Work::new("dump, unchanged", title("dump, unchanged"), later()).against(1),
        Work::new("dump, a day's changes", title("dump, a day's changes"), later())
            .against(1)
            .before(prepare),
    ];
    measure::run(&mut works, &out, rounds);
    report::print(&works);
    database.run(|run| data::shop::change(run, 0));
    drop(folder(dir, "base"));
    works
}

fn have(program: &str) -> bool {
    std::process::Command::new(program).arg("--version").output().is_ok()
}
