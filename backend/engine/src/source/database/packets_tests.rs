use super::*;
use crate::source::database::wire::Socket;
use proptest::prelude::*;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

type Value = Option<Vec<u8>>;

fn lenenc(number: usize) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    match number {
        0..=0xfa => vec![bytes[0]],
        0xfb..=0xffff => [&[0xfc], &bytes[..2]].concat(),
        0x1_0000..=0xff_ffff => [&[0xfd], &bytes[..3]].concat(),
        _ => [&[0xfe], &bytes[..8]].concat(),
    }
}

fn row(values: &[Value]) -> Vec<u8> {
    let cell = |value: &Value| match value {
        None => vec![NULL],
        Some(bytes) => [&lenenc(bytes.len()), &bytes[..]].concat(),
    };
    values.iter().flat_map(cell).collect()
}

/// In as many packets as it takes.
fn framed(contents: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut number = 1u8;
    for content in contents {
        let mut pieces: Vec<&[u8]> = content.chunks(FULL).collect();
        if content.len() % FULL == 0 {
            pieces.push(&[]);
        }
        for piece in pieces {
            out.extend_from_slice(&piece.len().to_le_bytes()[..3]);
            out.push(number);
            out.extend_from_slice(piece);
            number = number.wrapping_add(1);
        }
    }
    out
}

/// How servers differ in what stands around the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// MySQL 8: one end, which is like an OK.
    Modern,
    /// MariaDB: says besides that columns are described.
    Described,
    /// And that they are not.
    ByHeart,
    /// An end behind the columns and another one behind the rows.
    Classic,
}

const KINDS: [Kind; 4] = [Kind::Modern, Kind::Described, Kind::ByHeart, Kind::Classic];
const CLASSIC_END: [u8; 5] = [END, 0, 0, 2, 0];
const MODERN_END: [u8; 7] = [END, 0, 0, 2, 0, 0, 0];

fn answer(kind: Kind, columns: usize, rows: &[Vec<Value>]) -> Vec<u8> {
    let mut head = lenenc(columns);
    match kind {
        Kind::Described => head.push(1),
        Kind::ByHeart => head.push(0),
        Kind::Modern | Kind::Classic => {}
    }
    let mut contents = vec![head];
    if kind != Kind::ByHeart {
        contents.extend((0..columns).map(|n| format!("\x03def the description of column {n}").into_bytes()));
    }
    if kind == Kind::Classic {
        contents.push(CLASSIC_END.to_vec());
    }
    contents.extend(rows.iter().map(|values| row(values)));
    contents.push(if kind == Kind::Classic { CLASSIC_END.to_vec() } else { MODERN_END.to_vec() });
    framed(&contents)
}

/// The server's end, and what comes back.
fn connected() -> (Lent, oneshot::Receiver<Socket>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (lent, returned) = Lent::new(Socket::Socket(ours.into_std().unwrap()));
    (lent, returned, theirs)
}

/// Sends the answer in pieces of these sizes, again and again, and reads everything.
async fn read(answer: Vec<u8>, pieces: Vec<usize>) -> (Result<Vec<Vec<Value>>, Error>, bool) {
    let (lent, mut returned, mut server) = connected();
    let sending = tokio::spawn(async move {
        let mut question = [0; 13];
        server.read_exact(&mut question).await.unwrap();
        assert_eq!(&question, b"\x09\0\0\0\x03SELECT 1");
        let (mut rest, mut sizes) = (&answer[..], pieces.iter().cycle());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            if server.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
            rest = behind;
        }
    });
    let result = async {
        let mut rows = Rows::on(lent, "SELECT 1").await?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().await? {
            all.push(row.cells().map(|cell| cell.map(<[u8]>::to_vec)).collect());
        }
        Ok(all)
    };
    let result = result.await;
    sending.abort();
    (result, returned.try_recv().is_ok())
}

fn some(text: &str) -> Value {
    Some(text.as_bytes().to_vec())
}

#[rstest]
#[case(vec![])]
#[case(vec![vec![some("1"), None, some("")], vec![None, None, None], vec![some("\u{fb}"), Some(vec![0xfe; 9]), Some(vec![0xff])]])]
#[tokio::test]
async fn rows_are_read_from_every_kind_of_server(#[case] rows: Vec<Vec<Value>>) {
    for kind in KINDS {
        for piece in [1, 3, 1 << 20] {
            let (read, returned) = read(answer(kind, 3, &rows), vec![piece]).await;
            assert_eq!(read.unwrap(), rows, "{kind:?}");
            assert!(returned, "{kind:?}: the connection goes on");
        }
    }
}

/// Around every border of lengths and packets, the first row's among them.
#[rstest]
#[case(0xfa)]
#[case(0xfb)]
#[case(0xffff)]
#[case(0x1_0000)]
#[case(BUFFER - 20)]
#[case(2 * BUFFER)]
#[case(FULL - 5)]
#[case(FULL - 4)]
#[case(FULL)]
#[case(2 * FULL + 100)]
#[tokio::test]
async fn values_of_any_length_come_whole(#[case] length: usize) {
    let noise: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
    let rows = vec![vec![Some(noise.clone())], vec![some("small")], vec![Some(noise)], vec![None]];
    let (read, returned) = read(answer(Kind::Modern, 1, &rows), vec![70_000, 1, 999]).await;
    assert!(read.unwrap() == rows && returned);
}

#[rstest]
#[case(0)]
#[case(2)]
#[tokio::test]
async fn the_servers_word_is_told_and_the_connection_goes_on(#[case] before: usize) {
    let mut contents = vec![vec![1], b"\x03def".to_vec()];
    contents.extend(std::iter::repeat_n(row(&[some("x")]), before));
    contents.push(b"\xff\x84\x05#HY000Table definition has changed".to_vec());
    let (read, returned) = read(framed(&contents), vec![7]).await;
    let Err(Error::Server(error)) = read else { panic!("{read:?}") };
    assert_eq!((error.code, error.state.as_str()), (1412, "HY000"));
    assert_eq!(error.message, "Table definition has changed");
    assert!(returned);
}

#[tokio::test]
async fn a_question_that_is_refused_is_told() {
    let (read, returned) = read(framed(&[b"\xff\x7a\x04#42S02No such table".to_vec()]), vec![100]).await;
    assert!(matches!(read, Err(Error::Server(error)) if error.code == 1146 && error.state == "42S02"));
    assert!(returned);
}

/// What comes next on it nobody can tell: it is not given back.
#[rstest]
#[case::ends_early(answer(Kind::Modern, 1, &[vec![some("x")], vec![some("y")]])[..40].to_vec())]
#[case::wants_a_file(framed(&[b"\xfb/etc/passwd".to_vec()]))]
#[case::no_rows(framed(&[vec![0, 0, 0, 2, 0, 0, 0]]))]
#[case::nothing(framed(&[vec![]]))]
#[case::another_result(framed(&[vec![1], b"\x03def".to_vec(), vec![END, 0, 0, 8, 0, 0, 0]]))]
#[case::more_behind_the_end(framed(&[vec![1], b"\x03def".to_vec(), MODERN_END.to_vec(), vec![1]]))]
#[tokio::test]
async fn a_connection_that_says_what_it_should_not_is_over(#[case] answer: Vec<u8>) {
    let (read, returned) = read(answer, vec![1 << 20]).await;
    assert!(!matches!(read, Ok(_) | Err(Error::Server(_))), "{read:?}");
    assert!(!returned);
}

#[tokio::test]
async fn rows_that_are_left_unread_end_the_connection() {
    let (lent, returned, mut server) = connected();
    server.write_all(&answer(Kind::Modern, 1, &[vec![some("x")], vec![some("y")]])).await.unwrap();
    let mut rows = Rows::on(lent, "SELECT 1").await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    drop(rows);
    assert!(returned.await.is_err());
}

#[test]
fn a_damaged_row_ends_early() {
    for (damaged, whole) in [
        (&b"\x02ab\x05cd"[..], 1),
        (b"\xfc\x01", 0),
        (b"\xff", 0),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 0),
    ] {
        assert_eq!(RawRow(damaged).cells().count(), whole, "{damaged:?}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    proptest::option::of(prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => proptest::collection::vec(any::<u8>(), 240..260),
        1 => (65_000usize..66_000).prop_map(|length| vec![b'x'; length]),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_rows_come_in_any_pieces(
        rows in proptest::collection::vec(proptest::collection::vec(value(), 3), 0..60),
        pieces in proptest::collection::vec(1usize..40_000, 1..20),
        kind in proptest::sample::select(KINDS.to_vec()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (read, returned) = runtime.block_on(read(answer(kind, 3, &rows), pieces));
        prop_assert!(read.unwrap() == rows && returned);
    }
}
