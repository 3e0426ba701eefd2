use super::super::values::{Column, Format, escape, write};
use proptest::prelude::*;
use rstest::rstest;

fn written(value: &[u8], format: Format) -> String {
    let mut out = Vec::new();
    write(&mut out, Some(value), format);
    String::from_utf8(out).unwrap()
}

#[rstest]
#[case(b"12", Format::Number, "12")]
#[case(b"-0", Format::Real, "-0e0")]
#[case(b"1.5e300", Format::Real, "1.5e300")]
#[case(b"0.1", Format::Real, "0.1")]
// Thirty decimals are what every server reads of a number without an exponent.
#[case(b"0.000000000000012345678901234567", Format::Real, "0.000000000000012345678901234567")]
#[case(b"0.0000000000000012345678901234568", Format::Real, "1.2345678901234568e-15")]
#[case(b"-0.0000000000000012345678901234568", Format::Real, "-1.2345678901234568e-15")]
#[case(b"0000042", Format::Number, "0000042")]
#[case(b"2024-02-30", Format::Quoted, "'2024-02-30'")]
#[case(b"", Format::Quoted, "''")]
#[case(b"a'b\\c\0d\ne\rf\x1ag\"%_", Format::Quoted, r#"'a\'b\\c\0d\ne\rf\Zg"%_'"#)]
#[case("é😀".as_bytes(), Format::Quoted, "'é😀'")]
#[case(b"", Format::Hex, "''")]
#[case(b"\x00\xffA", Format::Hex, "0x00FF41")]
#[case(b"text that could be", Format::Hex, "0x74657874207468617420636F756C64206265")]
#[case(b"", Format::Bytes, "''")]
#[case(b"too short", Format::Bytes, "0x746F6F2073686F7274")]
#[case(b"s:2:\"it's\0\n\t\"", Format::Bytes, "_binary 's:2:\"it\\'s\\0\\n\t\"'")]
#[case("a text with é 😀".as_bytes(), Format::Bytes, "_binary 'a text with é 😀'")]
#[case(b"not UTF-8: \xff", Format::Bytes, "0x6E6F74205554462D383A20FF")]
#[case(b"it rings: \x07", Format::Bytes, "0x69742072696E67733A2007")]
#[case(b"it deletes: \x7f", Format::Bytes, "0x69742064656C657465733A207F")]
fn literals(#[case] value: &[u8], #[case] format: Format, #[case] expected: &str) {
    assert_eq!(written(value, format), expected);
}

#[test]
fn null_is_null_in_every_format() {
    for format in [Format::Number, Format::Real, Format::Quoted, Format::Bytes, Format::Hex] {
        let mut out = Vec::new();
        write(&mut out, None, format);
        assert_eq!(out, b"NULL");
    }
}

#[rstest]
#[case("int(11)", "auto_increment", Some(Format::Number))]
#[case("bigint(20) unsigned zerofill", "", Some(Format::Number))]
#[case("decimal(20,6)", "", Some(Format::Number))]
#[case("float(7,4)", "", Some(Format::Real))]
#[case("double unsigned", "", Some(Format::Real))]
#[case("bit(64)", "", Some(Format::Hex))]
#[case("varbinary(39)", "", Some(Format::Bytes))]
#[case("longblob /*M!100301 COMPRESSED*/", "", Some(Format::Bytes))]
#[case("geomcollection", "", Some(Format::Hex))]
#[case("varchar(255)", "", Some(Format::Quoted))]
#[case("enum('int','blob')", "", Some(Format::Quoted))]
#[case("timestamp(6)", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(6)", Some(Format::Quoted))]
#[case("datetime", "", Some(Format::Quoted))]
#[case("time(3)", "", Some(Format::Quoted))]
#[case("date", "", Some(Format::Quoted))]
#[case("year(4)", "", Some(Format::Number))]
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
fn what_its_text_does_not_tell_is_asked_for_by_arithmetic() {
    let selected = |declared| Column::new("a`b".into(), declared, "").unwrap().selected();
    assert_eq!(selected("float"), "`a``b`*1e0");
    assert_eq!(selected("float(7,4) unsigned"), "`a``b`*1e0");
    assert_eq!(selected("double"), "`a``b`");
    assert_eq!(selected("double(10,2) unsigned"), "`a``b`*1e0");
    assert_eq!(selected("enum('a','')"), "`a``b`+0");
    assert_eq!(selected("set('','a')"), "CAST(`a``b` AS UNSIGNED)");
    assert_eq!(selected("set('a','b')"), "`a``b`");
    assert_eq!(selected("enum('a','b')"), "`a``b`");
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
    /// Of all that a server may print of it, whatever the number of digits.
    #[test]
    fn any_double_reads_back_as_itself(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        for text in [format!("{number}"), format!("{number:e}")] {
            let literal = written(text.as_bytes(), Format::Real);
            prop_assert_eq!(literal.parse::<f64>().unwrap().to_bits(), bits, "{}", literal);
            let decimals = literal.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            prop_assert!(decimals <= 30 || literal.contains('e'), "{}", literal);
        }
    }

    #[test]
    fn bytes_are_two_digits_each(bytes in proptest::collection::vec(any::<u8>(), 1..100)) {
        let expected: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        prop_assert_eq!(written(&bytes, Format::Hex), format!("0x{expected}"));
    }

    #[test]
    fn any_bytes_come_back_whole_or_piece_by_piece(bytes in proptest::collection::vec(prop_oneof![1 => any::<u8>(), 9 => b'a'..=b'z'], 0..300), at in 0usize..300) {
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
