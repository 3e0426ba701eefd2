//! The commands that bring a copy back, with nothing but standard tools.

use contract::ArchiveFile;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub title: String,
    pub command: String,
}

/// Commands to type inside the copy's folder. Placeholders are in capitals.
pub fn steps(files: &[ArchiveFile]) -> Vec<Step> {
    let mut steps = Vec::new();
    let names = || files.iter().map(|f| f.name.as_str());
    if names().any(|n| n == "files/files.tgz") {
        steps.push(Step {
            title: "Unpack the files into an empty directory".into(),
            command: "tar -xzf files/files.tgz -C /EMPTY/DIRECTORY".into(),
        });
    } else if names().any(|n| n.starts_with("files/files.tgz.")) {
        steps.push(Step {
            title: "Join the parts and unpack them into an empty directory".into(),
            command: "cat files/files.tgz.* | tar -xz -C /EMPTY/DIRECTORY".into(),
        });
    }
    let dumps: Vec<&str> = names().filter(|n| n.starts_with("db/") && n.ends_with(".sql.gz")).collect();
    for dump in &dumps {
        let title = match dump.strip_prefix("db/db-").and_then(|n| n.strip_suffix(".sql.gz")) {
            Some(connection) => {
                format!("Load the database of the connection “{connection}” into an empty schema")
            }
            None => "Load the database into an empty schema".into(),
        };
        steps.push(Step { title, command: format!("gunzip -c {dump} | mysql -u USER -p DATABASE") });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(names: &[&str]) -> Vec<String> {
        let file = |n: &&str| ArchiveFile { name: n.to_string(), size_bytes: 1, sha256: String::new() };
        steps(&names.iter().map(file).collect::<Vec<_>>()).into_iter().map(|s| s.command).collect()
    }

    #[test]
    fn every_archive_has_its_command() {
        assert_eq!(
            commands(&["files/files.tgz", "db/db.sql.gz", "db/db-checkout.sql.gz"]),
            [
                "tar -xzf files/files.tgz -C /EMPTY/DIRECTORY",
                "gunzip -c db/db.sql.gz | mysql -u USER -p DATABASE",
                "gunzip -c db/db-checkout.sql.gz | mysql -u USER -p DATABASE",
            ]
        );
        assert_eq!(
            commands(&["files/files.tgz.001", "files/files.tgz.002"]),
            ["cat files/files.tgz.* | tar -xz -C /EMPTY/DIRECTORY"]
        );
        assert!(commands(&[]).is_empty());
    }
}
