//! An empty variable means the same as none: containers pass on what is not set as an empty text.

use clap::Command;

/// The command, and those below it, deaf to variables that are empty now. Otherwise an empty number or address would be an error, and
/// an empty key would stand against the file that holds it.
pub fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(None::<&str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

#[expect(clippy::disallowed_methods, reason = "settings are read here")]
fn is_empty(arg: &clap::Arg) -> bool {
    let value = arg.get_env().and_then(std::env::var_os);
    value.is_some_and(|value| value.as_encoded_bytes().trim_ascii().is_empty())
}
