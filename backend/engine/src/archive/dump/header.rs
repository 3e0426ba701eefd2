//! The first and last lines of a dump.

use super::DumpedDatabase;
use crate::source::database::{plain, quote_name};

/// The last line: without it a file is not a whole dump.
pub const FOOTER: &str = "-- Dump completed\n";

/// Sets the restoring session up, and keeps what it was.
pub fn begin(out: &mut Vec<u8>, database: &DumpedDatabase) {
    let name = plain(&quote_name(&database.name));
    let (charset, collation) = (plain(&database.character_set), plain(&database.collation));
    let text = format!(
        "-- Database: {}\n-- Server: {}\n--\n-- Restore into an empty database:\n\
         -- CREATE DATABASE {name} CHARACTER SET {charset} COLLATE {collation};\n\
         --   set -o pipefail; gunzip -c db.sql.gz | mysql DATABASE\n\n",
        plain(&database.name),
        plain(&database.server)
    );
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(BEGIN.as_bytes());
    out.extend_from_slice(character_set(&charset, &collation).as_bytes());
}

/// Gives the database that is restored into the character set of the store's: tables that are made later, and texts in routines, take it.
/// Without a name it means the current one. A set that only one vendor knows is left to that vendor: tables name theirs themselves.
fn character_set(charset: &str, collation: &str) -> String {
    let sql = format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}");
    if collation.contains("_0900_") || charset == "gb18030" {
        format!("/*!80000 {sql} */;\n")
    } else if collation.contains("_uca1400_") {
        format!("/*M!101001 {sql} */;\n")
    } else if collation.contains("_nopad_") {
        format!("/*M!100200 {sql} */;\n")
    } else {
        format!("{sql};\n")
    }
}

pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(END.as_bytes());
    out.extend_from_slice(FOOTER.as_bytes());
}

/// - No strict mode: zero dates and other values that the store holds are taken back as they are.
/// - MySQL 8.4 refuses foreign keys to keys that are not unique, which Magento has; MariaDB skips comments with that number.
const BEGIN: &str = "\
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE, TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
/*!80400 SET @OLD_RFK=@@SESSION.restrict_fk_on_non_standard_key, SESSION restrict_fk_on_non_standard_key=OFF */;
SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, AUTOCOMMIT=0;
";

const END: &str = "
COMMIT;
SET AUTOCOMMIT=@OLD_AUTOCOMMIT;
/*!80400 SET SESSION restrict_fk_on_non_standard_key=@OLD_RFK */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;

";

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "utf8mb4",
        "utf8mb4_unicode_ci",
        "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;\n"
    )]
    #[case(
        "utf8mb4",
        "utf8mb4_0900_ai_ci",
        "/*!80000 ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */;\n"
    )]
    #[case(
        "utf8mb4",
        "utf8mb4_uca1400_ai_ci",
        "/*M!101001 ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci */;\n"
    )]
    #[case(
        "utf8mb3",
        "utf8mb3_general_nopad_ci",
        "/*M!100200 ALTER DATABASE CHARACTER SET utf8mb3 COLLATE utf8mb3_general_nopad_ci */;\n"
    )]
    fn a_character_set_of_one_vendor_is_set_there_alone(
        #[case] charset: &str,
        #[case] collation: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(character_set(charset, collation), expected);
    }
}
