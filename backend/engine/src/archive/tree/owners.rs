//! Names of users and groups: `tar -x` as root prefers them to numbers.

use std::collections::HashMap;
use std::path::Path;

/// Longer names do not fit the header; the number stands alone then.
const LONGEST: usize = 31;

/// The accounts of the machine's own files, read once per archive.
#[derive(Debug, Default)]
pub(super) struct Owners {
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
}

impl Owners {
    /// A machine without these files (a bare container) has numbers only.
    pub(super) fn load() -> Owners {
        Owners { users: read(Path::new("/etc/passwd")), groups: read(Path::new("/etc/group")) }
    }

    /// Empty when there is no name.
    pub(super) fn user(&self, id: u32) -> &[u8] {
        self.users.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Empty when there is no name.
    pub(super) fn group(&self, id: u32) -> &[u8] {
        self.groups.get(&id).map(Vec::as_slice).unwrap_or_default()
    }
}

fn read(path: &Path) -> HashMap<u32, Vec<u8>> {
    parse(&std::fs::read(path).unwrap_or_default())
}

/// `name:password:number:…`, one a line; the first name of a number counts, as for `getpwuid`.
fn parse(file: &[u8]) -> HashMap<u32, Vec<u8>> {
    let mut names = HashMap::new();
    for line in file.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(name), Some(number)) = (fields.next(), fields.nth(1)) else { continue };
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        if let Some(number) = number.filter(|_| (1..=LONGEST).contains(&name.len())) {
            names.entry(number).or_insert_with(|| name.to_vec());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts_and_bad_lines_do_not() {
        let long = "x".repeat(32);
        let file =
            format!("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\n#no\n+::::\nweb:x:33:33\n{long}:x:9:9\n");
        let names = parse(file.as_bytes());
        assert_eq!(names.len(), 2);
        assert_eq!(names[&0], b"root");
        assert_eq!(names[&33], b"web");
    }
}
