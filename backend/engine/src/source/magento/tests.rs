use super::connection::{Address, Secret, Tls};
use super::eval::{EvalError, Scope, evaluate};
use super::value::{Array, Key, Value};
use super::*;
use proptest::prelude::*;
use rstest::rstest;
use std::fs;

mod stores;

fn environment() -> BTreeMap<String, String> {
    [("HOST", "db.internal"), ("EMPTY", ""), ("ZERO", "0"), ("BRAND", "acme")]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

fn eval(source: &[u8]) -> Result<Array, EvalError> {
    let environment = environment();
    evaluate(source, Scope { file: Path::new("/srv/shop/app/etc/env.php"), environment: &environment })
}

/// The value that `expression` has as an element of a returned array.
fn value(expression: &str) -> Value {
    let array =
        eval(format!("<?php\nreturn ['before' => 1, 'it' => {expression}, 'after' => 2];\n").as_bytes())
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
    assert_eq!(array.get(&Key::text(b"before")), Some(&Value::Int(1)), "{expression}");
    assert_eq!(array.get(&Key::text(b"after")), Some(&Value::Int(2)), "{expression}");
    array.get(&Key::text(b"it")).cloned().unwrap_or_else(|| panic!("{expression}: no value"))
}

fn text(bytes: impl AsRef<[u8]>) -> Value {
    Value::Text(bytes.as_ref().to_vec())
}

#[rstest]
#[case("'a'", text("a"))]
#[case(r"'p\'a\\ss\n'", text(r"p'a\ss\n"))]
#[case(r#""tab\t nl\n q\" d\$x \\ \x41\102\u{e9}\e""#, text("tab\t nl\n q\" d$x \\ AB\u{e9}\x1b"))]
#[case(r#""unknown \q \x \u{zz} \u{110000}""#, text(r"unknown \q \x \u{zz} \u{110000}"))]
#[case("'two\nlines'", text("two\nlines"))]
#[case("'?> is text'", text("?> is text"))]
#[case("'# // /* no comment'", text("# // /* no comment"))]
#[case("12", Value::Int(12))]
#[case("-12", Value::Int(-12))]
#[case("+3", Value::Int(3))]
#[case("0x1F", Value::Int(31))]
#[case("017", Value::Int(15))]
#[case("0o17", Value::Int(15))]
#[case("0b101", Value::Int(5))]
#[case("1_000_000", Value::Int(1_000_000))]
#[case("9223372036854775808", Value::Float(9_223_372_036_854_775_808.0))]
#[case("1.5", Value::Float(1.5))]
#[case(".5e1", Value::Float(5.0))]
#[case("1E3", Value::Float(1000.0))]
#[case("TRUE", Value::Bool(true))]
#[case("False", Value::Bool(false))]
#[case("NULL", Value::Null)]
#[case("\\true", Value::Bool(true))]
#[case("('x')", text("x"))]
#[case("'a' . 'b' . 3", text("ab3"))]
#[case("'/' . getenv('BRAND') . '_sess'", text("/acme_sess"))]
#[case("getenv('HOST')", text("db.internal"))]
#[case("getenv('HOST', true)", text("db.internal"))]
#[case("getenv('NOPE') ?: 'db'", text("db"))]
#[case("getenv('EMPTY') ?: 'db'", text("db"))]
#[case("getenv('ZERO') ?: 'db'", text("db"))]
#[case("$_ENV['HOST']", text("db.internal"))]
#[case("$_SERVER[\"HOST\"]", text("db.internal"))]
#[case("$_ENV['NOPE'] ?? 'd'", text("d"))]
#[case("$_ENV['NOPE'] ?? $_SERVER['NOPE'] ?? 'd'", text("d"))]
#[case("$_ENV['EMPTY'] ?? 'd'", text(""))]
#[case("(bool)($_SERVER['PROFILER'] ?? false)", Value::Bool(false))]
#[case("(int) '42abc'", Value::Int(42))]
#[case("(INT)getenv('ZERO')", Value::Int(0))]
#[case("(string)7", text("7"))]
#[case("(float) '1.5'", Value::Float(1.5))]
#[case("true ? 'y' : 'n'", text("y"))]
#[case("getenv('HOST') !== false ? getenv('HOST') : 'n'", text("db.internal"))]
#[case("getenv('NOPE') !== false ? 'y' : 'n'", text("n"))]
#[case("getenv('BRAND') === 'acme' ? 1 : 2", Value::Int(1))]
#[case("isset($_ENV['NOPE']) ? 1 : 2", Value::Int(2))]
#[case("!empty($_ENV['HOST']) && !false || false", Value::Bool(true))]
#[case("@getenv('HOST')", text("db.internal"))]
#[case("PDO::MYSQL_ATTR_SSL_CA", Value::Int(1009))]
#[case("\\PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT", Value::Int(1014))]
#[case("Pdo\\Mysql::ATTR_SSL_KEY", Value::Int(1007))]
#[case("\\Magento\\Foo::class", text("Magento\\Foo"))]
#[case("__DIR__ . '/ca.pem'", text("/srv/shop/app/etc/ca.pem"))]
#[case("__FILE__", text("/srv/shop/app/etc/env.php"))]
#[case("/* c */ 'x' // c ?", text("x"))]
fn expressions_have_the_value_that_php_gives_them(#[case] expression: &str, #[case] expected: Value) {
    assert!(value(&format!("{expression}\n")) == expected, "{expression}: {:?}", value(expression));
}

#[rstest]
#[case("$host", "the variable $host")]
#[case("\"x$host\"", "a string with a variable in it")]
#[case("\"{$a['b']}\"", "a string with a variable in it")]
#[case("<<<EOT\nreturn [ ) 'x', $y\n  EOT", "a heredoc")]
#[case("<<<'EOT'\n]]],,\nEOT", "a heredoc")]
#[case("`ls`", "a shell command")]
#[case("file_get_contents('/run/secret')", "a call of file_get_contents()")]
#[case("SOME_CONSTANT", "the constant SOME_CONSTANT")]
#[case("Foo::BAR", "the constant Foo::BAR")]
#[case("new Foo(['a' => 1], 2)", "the constant new")]
#[case("60 * 60", "an expression")]
#[case("function () { return ['a' => 1, 'b']; }", "a call of function()")]
#[case("fn($x) => [$x, 'y']", "a call of fn()")]
#[case("['a', 'b'][0]", "an expression")]
#[case("$a['b']['c']", "the variable $a")]
#[case("getenv()", "a call of getenv()")]
#[case("'a' . SECRET", "the constant SECRET")]
fn what_only_php_can_tell_spoils_its_own_key_alone(#[case] expression: &str, #[case] what: &str) {
    assert_eq!(value(expression), Value::Dynamic(what.into()), "{expression}");
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    assert_eq!(value("getenv('NOPE')"), Value::Unset { name: "NOPE".into(), null: false });
    assert_eq!(value("'x' . $_ENV['NOPE']"), Value::Unset { name: "NOPE".into(), null: true });
}

#[test]
fn keys_follow_php() {
    let array = eval(
        b"<?php return ['a' => 1, '8' => 2, 8 => 3, '08' => 4, true => 5, 'pushed', null => 6, $k => 7, 'a' => 8, ...$more, -5 => 9, foo() => [1], 'z'];",
    )
    .unwrap();
    let keys: Vec<String> = array.entries().map(|(key, _)| key.display()).collect();
    assert_eq!(keys, ["a", "8", "08", "1", "9", "", "-5", "10"]);
    assert_eq!(array.get(&Key::text(b"a")), Some(&Value::Int(8)), "the last one wins");
    assert_eq!(array.get(&Key::Int(8)), Some(&Value::Int(3)));
    assert_eq!(array.get(&Key::Int(10)), Some(&text("z")));
}

#[rstest]
#[case::modern("<?php\nreturn ['a' => ['b' => 'x']];")]
#[case::old("<?php\nreturn array (\n  'a' => \n  array (\n    'b' => 'x',\n  ),\n);\n")]
#[case::capitals("<?PHP RETURN Array('a' => ARRAY('b' => 'x',),);")]
#[case::byte_order_mark("\u{feff}<?php return ['a' => ['b' => 'x']];")]
#[case::crlf("<?php\r\n// return\r\nreturn [\r\n\t'a' => ['b' => 'x'],\r\n];\r\n")]
#[case::old_mac_line_ends("<?php\r# return 1\rreturn ['a' => ['b' => 'x']];\r")]
#[case::comments(
    "<?php /* return 1; */ # return 2;\n/** return */ return /**/ ['a' /* => */ => ['b' => 'x']] ;"
)]
#[case::statements(
    "<?php\ndeclare(strict_types=1);\nuse A\\B;\n$x = function () { return 5; };\nrequire __DIR__ . '/x.php';\nreturn ['a' => ['b' => 'x']];"
)]
#[case::closing_tag("<?php return ['a' => ['b' => 'x']] ?>\n\n")]
#[case::no_semicolon("<?php return ['a' => ['b' => 'x']]")]
#[case::in_parentheses("<?php return (['a' => ['b' => 'x']]);")]
fn files_are_read_in_every_style(#[case] source: &str) {
    let array = eval(source.as_bytes()).unwrap();
    assert_eq!(Value::Array(array).at(&["a", "b"]), Some(&text("x")));
}

#[rstest]
#[case("", EvalError::NoReturn)]
#[case("return ['a'];", EvalError::NoReturn)]
#[case("<?php $a = [1];", EvalError::NoReturn)]
#[case("<?php return ['a' => 1;", EvalError::Broken)]
#[case("<?php return ['a' => (1];", EvalError::Broken)]
#[case("<?php return ['a' => 'open];", EvalError::Broken)]
#[case("<?php ) return [];", EvalError::Broken)]
#[case("<?php return", EvalError::Broken)]
#[case("<?php return require 'x.php';", EvalError::NotAnArray("the constant require".into()))]
#[case("<?php return array_merge([], []);", EvalError::NotAnArray("a call of array_merge()".into()))]
#[case("<?php return [] + [];", EvalError::NotAnArray("an expression".into()))]
#[case("<?php return 'x';", EvalError::NotAnArray("text".into()))]
fn files_that_return_no_array_are_refused(#[case] source: &str, #[case] expected: EvalError) {
    assert_eq!(eval(source.as_bytes()), Err(expected));
}

#[test]
fn depth_and_size_are_bounded() {
    for open in ["[", "(", "!", "-", "'a' ?? ", "array(", "true ? ", "(int)", "getenv(", "@"] {
        let deep = format!("<?php return ['a' => 1, 'deep' => {}];", open.repeat(60_000));
        match eval(deep.as_bytes()) {
            Ok(array) => assert_eq!(array.get(&Key::text(b"a")), Some(&Value::Int(1)), "{open}"),
            Err(error) => assert_eq!(error, EvalError::Broken, "{open}"),
        }
    }
    let balanced =
        format!("<?php return ['deep' => {}{}, 'a' => 1];", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(eval(balanced.as_bytes()).unwrap().get(&Key::text(b"a")), Some(&Value::Int(1)));
    let fits = format!("<?php return {}1{};", "[".repeat(60), "]".repeat(60));
    assert!(eval(fits.as_bytes()).is_ok());
    assert_eq!(eval(&vec![b' '; MAX_BYTES + 1]), Err(EvalError::TooLarge));
}

#[test]
fn values_are_never_printed() {
    let array = eval(b"<?php return ['password' => 'hunter2', 'list' => ['hunter2']];").unwrap();
    assert!(!format!("{array:?}").contains("hunter2"));
}

/// `var_export` of an array of text, as Magento's installer writes it.
fn exported(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let quote = |text: &[u8]| {
        let mut out = vec![b'\''];
        for byte in text {
            if matches!(byte, b'\'' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'\'');
        out
    };
    let mut out = b"<?php\nreturn [\n".to_vec();
    for (key, value) in pairs {
        out.extend([b"    ".to_vec(), quote(key), b" => ".to_vec(), quote(value), b",\n".to_vec()].concat());
    }
    out.extend(b"];\n");
    out
}

proptest! {
    #[test]
    fn any_bytes_give_a_result_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = eval(&[b"<?php return [".as_slice(), &bytes, b"];"].concat());
        let _ = eval(&bytes);
    }

    #[test]
    fn any_pieces_of_php_give_a_result_and_no_panic(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "[", "]", "(", ")", "{", "}", ",", "=>", "'a'", "\"b$c\"", "?", ":", "??", ".", "!", "-", "$_ENV", "getenv(",
            "array(", "(int)", "return", ";", "<<<A\n", "A\n", "/*", "*/", "//", "\n", "?>", "<?php", "1", "1.5", "0x", "0b2",
            "\\", "'", "\"", "::", "PDO", "isset(", "===", "&&", "||", "...", "é", "#[", "1_", "\u{0}",
        ]), 0..60)
    ) {
        let _ = eval(format!("<?php return {};", pieces.concat()).as_bytes());
        let _ = eval(format!("<?php return [{}];", pieces.join(" ")).as_bytes());
    }

    #[test]
    fn what_the_installer_writes_is_read_back(
        pairs in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..20), proptest::collection::vec(any::<u8>(), 0..40)), 0..10)
    ) {
        let mut expected = Array::default();
        for (key, value) in &pairs {
            expected.set(Key::text(key), Value::Text(value.clone()));
        }
        prop_assert!(eval(&exported(&pairs)).unwrap() == expected);
    }
}
