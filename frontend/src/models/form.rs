//! What a form has to say itself, because none of its fields can.

use contract::FieldError;

/// The mistakes that no field shows. `fields` are the paths of those that do, `groups` the paths whose entries are shown
/// together: `exclude_tables` for `exclude_tables[3]`.
pub fn unclaimed(errors: &[FieldError], fields: &[String], groups: &[String]) -> Vec<FieldError> {
    let shown = |e: &FieldError| fields.contains(&e.field) || groups.iter().any(|g| is_below(&e.field, g));
    errors.iter().filter(|e| !shown(e)).cloned().collect()
}

/// Whether a path is an entry or a part of the one above it.
pub fn is_below(field: &str, above: &str) -> bool {
    field.strip_prefix(above).is_some_and(|rest| rest.starts_with(['[', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_field_shows_is_left_over() {
        let error = |field: &str| FieldError::new(field, "x", format!("{field} is odd"));
        let errors = [
            error("title"),
            error("exclude_tables"),
            error("exclude_tables[3]"),
            error("exclude_tables_too"),
        ];
        let rest = unclaimed(&errors, &["title".into()], &["exclude_tables".into()]);
        let fields: Vec<&str> = rest.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["exclude_tables", "exclude_tables_too"]);
        assert!(unclaimed(&[], &[], &[]).is_empty());
    }
}
