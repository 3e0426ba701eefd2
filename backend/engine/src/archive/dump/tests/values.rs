use super::super::values::{Column, Format, escape, write};
use mysql_async::Value;
use proptest::prelude::*;
use rstest::rstest;

fn written(value: &[u8], format: Format) -> String {
    let mut out = Vec::new();
    write(&mut out, Some(&Value::Bytes(value.to_vec())), format);
    String::from_utf8(out).unwrap()
}

#[rstest]
#[case(b"12", Format::Number, "12")]
#[case(b"-0", Format::Real, "-0e0")]
#[case(b"1.5e300", Format::Real, "1.5e300")]
#[case(b"", Format::Quoted, "''")]
#[case(b"a'b\\c\0d\ne\rf\x1ag\"%_", Format::Quoted, r#"'a\'b\\c\0d\ne\rf\Zg"%_'"#)]
#[case("é😀".as_bytes(), Format::Quoted, "'é😀'")]
#[case(b"", Format::Hex, "''")]
#[case(b"\x00\xffA", Format::Hex, "0x00FF41")]
fn literals(#[case] value: &[u8], #[case] format: Format, #[case] expected: &str) {
    assert_eq!(written(value, format), expected);
}

#[test]
fn null_is_null_in_every_format() {
    for format in [Format::Number, Format::Real, Format::Quoted, Format::Hex] {
        let mut out = Vec::new();
        write(&mut out, Some(&Value::NULL), format);
        write(&mut out, None, format);
        assert_eq!(out, b"NULLNULL");
    }
}

#[rstest]
#[case("int(11)", "auto_increment", Some(Format::Number))]
#[case("bigint(20) unsigned zerofill", "", Some(Format::Number))]
#[case("decimal(20,6)", "", Some(Format::Number))]
#[case("float(7,4)", "", Some(Format::Real))]
#[case("double unsigned", "", Some(Format::Real))]
#[case("bit(64)", "", Some(Format::Hex))]
#[case("varbinary(39)", "", Some(Format::Hex))]
#[case("longblob /*M!100301 COMPRESSED*/", "", Some(Format::Hex))]
#[case("geomcollection", "", Some(Format::Hex))]
#[case("varchar(255)", "", Some(Format::Quoted))]
#[case("enum('int','blob')", "", Some(Format::Quoted))]
#[case("timestamp(6)", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(6)", Some(Format::Quoted))]
#[case("json", "", Some(Format::Quoted))]
#[case("inet6", "", Some(Format::Quoted))]
#[case("uuid", "INVISIBLE", Some(Format::Quoted))]
#[case("int(11)", "VIRTUAL GENERATED", None)]
#[case("int(11)", "STORED GENERATED, INVISIBLE", None)]
#[case("int(11)", "PERSISTENT", None)]
fn columns_are_written_by_their_type(
    #[case] declared: &str,
    #[case] extra: &str,
    #[case] expected: Option<Format>,
) {
    assert_eq!(Column::new("c".into(), declared, extra).map(|column| column.format), expected);
}

#[test]
fn floats_are_asked_for_exactly() {
    let column = |declared| Column::new("a`b".into(), declared, "").unwrap().selected();
    assert_eq!(column("float"), "`a``b`+0e0");
    assert_eq!(column("double"), "`a``b`");
}

/// What a server reads between single quotes.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        assert_ne!(*byte, b'\'', "a bare quote would end the text");
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'0') => 0,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'Z') => 0x1a,
                Some(other) => *other,
                None => panic!("a lone backslash at the end"),
            },
            other => *other,
        });
    }
    out
}

proptest! {
    #[test]
    fn any_bytes_come_back_whole_or_piece_by_piece(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..300) {
        let mut whole = Vec::new();
        escape(&mut whole, &bytes);
        prop_assert_eq!(unescape(&whole), bytes.clone());
        let (first, second) = bytes.split_at(at.min(bytes.len()));
        let mut pieces = Vec::new();
        escape(&mut pieces, first);
        escape(&mut pieces, second);
        prop_assert_eq!(pieces, whole);
    }
}
