use super::super::values::{Column, Format, escape, write};
use mysql_async::Value;
use proptest::prelude::*;
use rstest::rstest;

fn written(value: &[u8], format: Format) -> String {
    let mut out = Vec::new();
    write(&mut out, &Value::Bytes(value.to_vec()), format);
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
    for format in [Format::Number, Format::Real, Format::Quoted, Format::Hex, Format::DateTime(3)] {
        let mut out = Vec::new();
        write(&mut out, &Value::NULL, format);
        assert_eq!(out, b"NULL");
    }
}

fn typed(value: Value, format: Format) -> String {
    let mut out = Vec::new();
    write(&mut out, &value, format);
    String::from_utf8(out).unwrap()
}

#[rstest]
#[case(Value::Int(-128), Format::Number, "-128")]
#[case(Value::UInt(u64::MAX), Format::Number, "18446744073709551615")]
#[case(Value::Int(0), Format::Year, "0000")]
#[case(Value::Int(2155), Format::Year, "2155")]
#[case(Value::Date(0, 0, 0, 0, 0, 0, 0), Format::Date, "'0000-00-00'")]
#[case(Value::Date(2024, 2, 30, 0, 0, 0, 0), Format::Date, "'2024-02-30'")]
#[case(Value::Date(2024, 0, 0, 12, 0, 0, 0), Format::DateTime(0), "'2024-00-00 12:00:00'")]
#[case(Value::Date(2001, 9, 9, 1, 46, 40, 123_000), Format::DateTime(3), "'2001-09-09 01:46:40.123'")]
#[case(Value::Date(9999, 12, 31, 23, 59, 59, 999_999), Format::DateTime(6), "'9999-12-31 23:59:59.999999'")]
#[case(Value::Date(0, 0, 0, 0, 0, 0, 0), Format::DateTime(2), "'0000-00-00 00:00:00.00'")]
#[case(Value::Time(false, 0, 0, 0, 0, 0), Format::Time(0), "'00:00:00'")]
#[case(Value::Time(true, 34, 22, 59, 59, 999_000), Format::Time(3), "'-838:59:59.999'")]
#[case(Value::Time(true, 0, 0, 0, 0, 1), Format::Time(6), "'-00:00:00.000001'")]
#[case(Value::Time(false, 4, 4, 5, 6, 0), Format::Time(1), "'100:05:06.0'")]
fn what_the_binary_protocol_tells(#[case] value: Value, #[case] format: Format, #[case] expected: &str) {
    assert_eq!(typed(value, format), expected);
}

/// As servers print them, so that a dump has the same bytes by both protocols.
#[rstest]
#[case(0.0, "0")]
#[case(-0.0, "-0e0")]
#[case(1.0, "1")]
#[case(-1.5, "-1.5")]
#[case(0.1, "0.1")]
#[case(-0.0001, "-0.0001")]
#[case(1e-15, "0.000000000000001")]
#[case(1e-16, "1e-16")]
#[case(123_456_789.125, "123456789.125")]
#[case(1e14, "100000000000000")]
#[case(1e15, "1e15")]
#[case(999_999_999_999_999.0, "999999999999999")]
#[case(1_234_567_890_123_456.8, "1234567890123456.8")]
#[case(12_345_678_901_234_568.0, "1.2345678901234568e16")]
#[case(f64::MAX, "1.7976931348623157e308")]
#[case(f64::MIN_POSITIVE, "2.2250738585072014e-308")]
#[case(5e-324, "5e-324")]
// A number without an exponent may have thirty decimals on MySQL.
#[case(1.2345678901234568e-15, "1.2345678901234568e-15")]
#[case(1.2345678901234567e-14, "0.000000000000012345678901234567")]
#[case(0.000001, "0.000001")]
// Half way between two decimals.
#[case(543.101_623_535_156_3, "543.1016235351562")]
#[case(26_764_947_433_737.063, "26764947433737.062")]
fn real_numbers(#[case] number: f64, #[case] expected: &str) {
    assert_eq!(typed(Value::Double(number), Format::Real), expected);
}

#[test]
fn a_float_is_written_as_the_double_that_it_is() {
    assert_eq!(typed(Value::Float(0.1), Format::Real), "0.10000000149011612");
    assert_eq!(typed(Value::Float(f32::MAX), Format::Real), "3.4028234663852886e38");
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
#[case("timestamp(6)", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(6)", Some(Format::DateTime(6)))]
#[case("datetime", "", Some(Format::DateTime(0)))]
#[case("time(3)", "", Some(Format::Time(3)))]
#[case("date", "", Some(Format::Date))]
#[case("year(4)", "", Some(Format::Year))]
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
    let column = |declared, binary| Column::new("a`b".into(), declared, "").unwrap().selected(binary);
    assert_eq!(column("float", false), "`a``b`+0e0");
    assert_eq!(column("float", true), "`a``b`");
    assert_eq!(column("double", false), "`a``b`");
}

/// Of these it tells the bare number, or nothing that is known to be complete.
#[rstest]
#[case("int(8) unsigned zerofill")]
#[case("decimal(10,2) zerofill")]
#[case("double(10,2)")]
#[case("float(7,4) unsigned")]
#[case("year(2)")]
#[case("inet6")]
#[case("uuid")]
#[case("vector(3)")]
fn some_types_are_told_whole_by_the_text_protocol_alone(#[case] declared: &str) {
    assert!(!Column::new("c".into(), declared, "").unwrap().binary);
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
    fn any_double_reads_back_as_itself(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let written = typed(Value::Double(number), Format::Real);
        prop_assert_eq!(written.parse::<f64>().unwrap().to_bits(), bits, "{}", written);
        let near = (bits % 1_000_000_007) as f64 / 64.0;
        prop_assert_eq!(typed(Value::Double(near), Format::Real), format!("{near}"));
    }

    #[test]
    fn bytes_are_two_digits_each(bytes in proptest::collection::vec(any::<u8>(), 1..100)) {
        let expected: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        prop_assert_eq!(typed(Value::Bytes(bytes), Format::Hex), format!("0x{expected}"));
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
