//! The store's database: connecting, who may read what, its tables, their groups.

pub mod catalog;
pub mod connect;
pub mod grants;
pub mod groups;
pub mod packets;
pub mod patterns;
pub mod wire;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod mysql;
#[cfg(test)]
mod tests;

pub use catalog::{Kind, Table};
pub use connect::{Server, Session};
pub use grants::Grants;

/// An identifier in SQL.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Text in a comment of one line: nothing in it may end the line.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
