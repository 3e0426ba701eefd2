//! `tar` headers for every name, size and time.

use super::owners::Owners;
use crate::source::files::Meta;
use tar::{EntryType, Header};

/// The unit of a `tar` file.
pub(super) const BLOCK: usize = 512;
/// Bytes of name and of link target that any header holds.
const SHORT: usize = 100;
const USTAR_PREFIX: usize = 155;
/// What twelve octal digits less one hold; larger sizes and times need GNU's binary numbers.
const OCTAL_12: u64 = 0o777_7777_7777;
const OCTAL_8: u32 = 0o777_7777;

/// What an entry is in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type<'a> {
    Dir,
    File {
        size: u64,
    },
    Symlink(&'a [u8]),
    /// A further name of the entry at this path.
    HardLink(&'a [u8]),
}

/// Appends the header of an entry; `path` is relative and a directory's ends with a slash.
///
/// POSIX ustar where everything fits, and GNU's extensions where it does not: `@LongLink` entries for names, binary numbers for
/// sizes above 8 GiB and for times before 1970. Names stay raw bytes, which PAX records (UTF-8 by definition) do not promise.
pub(super) fn append(to: &mut Vec<u8>, path: &[u8], meta: &Meta, kind: Type<'_>, owners: &Owners) {
    let (entry_type, size, link): (_, u64, &[u8]) = match kind {
        Type::Dir => (EntryType::Directory, 0, b""),
        Type::File { size } => (EntryType::Regular, size, b""),
        Type::Symlink(target) => (EntryType::Symlink, 0, target),
        Type::HardLink(target) => (EntryType::Link, 0, target),
    };
    let octal = size <= OCTAL_12
        && u64::try_from(meta.mtime).is_ok_and(|time| time <= OCTAL_12)
        && meta.uid <= OCTAL_8
        && meta.gid <= OCTAL_8;
    let split = if octal && link.len() <= SHORT { split(path) } else { None };
    let mut header = match split {
        Some((prefix, name)) => {
            let mut header = Header::new_ustar();
            if let Some(ustar) = header.as_ustar_mut() {
                ustar.name[..name.len()].copy_from_slice(name);
                ustar.prefix[..prefix.len()].copy_from_slice(prefix);
            }
            header
        }
        None => {
            if path.len() > SHORT {
                append_long(to, EntryType::GNULongName, path);
            }
            if link.len() > SHORT {
                append_long(to, EntryType::GNULongLink, link);
            }
            let mut header = Header::new_gnu();
            let short = &path[..path.len().min(SHORT)];
            header.as_old_mut().name[..short.len()].copy_from_slice(short);
            header
        }
    };
    let link = &link[..link.len().min(SHORT)];
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(entry_type);
    header.set_mode(meta.mode);
    header.set_uid(meta.uid.into());
    header.set_gid(meta.gid.into());
    header.set_size(size);
    match u64::try_from(meta.mtime) {
        Ok(time) => header.set_mtime(time),
        Err(_) => {
            // GNU's binary number: two's complement, big-endian, filled with ones.
            let field = &mut header.as_old_mut().mtime;
            field.fill(0xff);
            field[4..].copy_from_slice(&meta.mtime.to_be_bytes());
        }
    }
    let (user, group) = (owners.user(meta.uid), owners.group(meta.gid));
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.uname[..user.len()].copy_from_slice(user);
        ustar.gname[..group.len()].copy_from_slice(group);
    } else if let Some(gnu) = header.as_gnu_mut() {
        gnu.uname[..user.len()].copy_from_slice(user);
        gnu.gname[..group.len()].copy_from_slice(group);
    }
    header.set_cksum();
    to.extend_from_slice(header.as_bytes());
}

/// An entry that carries a name too long for the header after it.
fn append_long(to: &mut Vec<u8>, kind: EntryType, name: &[u8]) {
    let mut header = Header::new_gnu();
    let magic = b"././@LongLink";
    header.as_old_mut().name[..magic.len()].copy_from_slice(magic);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(name.len() as u64 + 1);
    header.set_cksum();
    to.extend_from_slice(header.as_bytes());
    to.extend_from_slice(name);
    to.push(0);
    pad(to);
}

/// Fills up to the next block, given that the buffer began at one.
pub(super) fn pad(to: &mut Vec<u8>) {
    to.resize(to.len().next_multiple_of(BLOCK), 0);
}

/// Prefix and name as ustar keeps them: joined by a slash that neither holds. None when the path has no such place.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= SHORT {
        return Some((b"", path));
    }
    let first = path.len() - SHORT - 1;
    let last = path.len().saturating_sub(2).min(USTAR_PREFIX);
    let slash = (first.max(1)..=last).find(|at| path[*at] == b'/')?;
    Some((&path[..slash], &path[slash + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_split_path_joins_to_itself_and_fits(path in "[a-c/]{1,300}") {
            if let Some((prefix, name)) = split(path.as_bytes()) {
                prop_assert!(prefix.len() <= USTAR_PREFIX && name.len() <= SHORT && !name.is_empty());
                let joined = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
                prop_assert_eq!(joined, path.as_bytes());
            }
        }
    }

    #[test]
    fn a_path_with_a_fitting_slash_needs_no_extension() {
        let path = format!("{}/{}", "p".repeat(155), "n".repeat(100));
        assert!(split(path.as_bytes()).is_some());
        assert!(split(format!("{}/{}", "p".repeat(155), "n".repeat(101)).as_bytes()).is_none());
        assert!(split("n".repeat(101).as_bytes()).is_none());
    }
}
