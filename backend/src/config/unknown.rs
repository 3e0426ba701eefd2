//! Spelling mistakes in the environment are told instead of being ignored.

use clap::Command;
use std::collections::BTreeSet;

const PREFIX: &str = "STOREKEEP_";

/// The `STOREKEEP_*` variables among `names` that no command knows, in order.
pub fn unknown_variables(command: &Command, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut known = BTreeSet::new();
    collect(command, &mut known);
    let mut unknown: Vec<String> =
        names.into_iter().filter(|n| n.starts_with(PREFIX) && !known.contains(n)).collect();
    unknown.sort();
    unknown
}

fn collect(command: &Command, known: &mut BTreeSet<String>) {
    known.extend(
        command.get_arguments().filter_map(|a| a.get_env()).map(|e| e.to_string_lossy().into_owned()),
    );
    command.get_subcommands().for_each(|c| collect(c, known));
}

/// Logs one warning for each unknown variable of this process. Only names are told: a value may be a secret.
#[expect(clippy::disallowed_methods, reason = "settings are read here")]
pub fn warn_about_unknown(command: &Command) {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for name in unknown_variables(command, names) {
        tracing::warn!(
            "the environment variable {name} means nothing to Storekeep; `storekeep serve --help` lists those that do"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    #[test]
    fn only_our_own_unknown_names_are_told() {
        let command = Command::new("x")
            .subcommand(Command::new("serve").arg(Arg::new("listen").env("STOREKEEP_LISTEN")));
        let names = ["PATH", "STOREKEEP_LISTEN", "STOREKEEP_LISTN", "STOREKEEP_A"].map(String::from);
        assert_eq!(unknown_variables(&command, names), ["STOREKEEP_A", "STOREKEEP_LISTN"]);
    }
}
