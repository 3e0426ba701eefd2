use super::*;
use flate2::read::MultiGzDecoder;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rstest::rstest;
use std::io::Read;
use std::slice;

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(length as u64).fill(bytes.as_mut_slice());
    bytes
}

fn text(length: usize) -> Vec<u8> {
    (0..).flat_map(|i: u32| format!("return $this->getData('{i}');\n").into_bytes()).take(length).collect()
}

fn tools() -> Tools {
    Tools::new(CompressionLvl::new(6).unwrap())
}

/// A block of one file, compressed; what it unpacks to is compared.
fn compressed(block: &Block) -> usize {
    let mut out = Vec::new();
    let length = tools().compress(block, &mut out).unwrap();
    let mut back = Vec::new();
    MultiGzDecoder::new(&out[..length]).read_to_end(&mut back).unwrap();
    assert!(back == block.bytes, "other bytes come back");
    length
}

fn file(content: &[u8]) -> Block {
    let mut block = Block { bytes: vec![b'h'; 512], ..Block::default() };
    block.bytes.extend_from_slice(content);
    block.file_from(512, false);
    block
}

#[rstest]
#[case::jpeg(b"\xff\xd8\xff\xe0")]
#[case::png(b"\x89PNG\r\n\x1a\n")]
#[case::zip(b"PK\x03\x04")]
#[case::webp(b"RIFF....WEBPVP8 ")]
#[case::mp4(b"\0\0\0\x20ftypisom")]
fn packed_content_is_recognised_behind_its_head(#[case] head: &[u8]) {
    let block = file(&[head, &text(3000), &noise(40_000)].concat());
    let packed = tools().packed(&block);
    assert_eq!(packed, slice::from_ref(&(512 + HEAD..block.bytes.len())));
    let length = compressed(&block);
    assert!((40_000..42_000).contains(&length), "{length}");
}

#[test]
fn a_photograph_with_long_metadata_has_them_deflated() {
    let block = file(&[b"\xff\xd8\xff\xe0".to_vec(), text(60_000), noise(100_000)].concat());
    let packed = tools().packed(&block);
    assert_eq!(packed.len(), 1);
    assert!((52_000..70_000).contains(&packed[0].start), "{packed:?}");
    assert!(compressed(&block) < 112_000);
}

#[rstest]
#[case::text_that_calls_itself_a_photograph([b"\xff\xd8\xff".to_vec(), text(200_000)].concat())]
#[case::text(text(200_000))]
#[case::noise_too_small_to_matter(noise(30_000))]
#[case::nothing(Vec::new())]
#[case::a_short_head(b"PK\x03\x04".to_vec())]
fn the_rest_is_deflated(#[case] content: Vec<u8>) {
    let block = file(&content);
    assert!(tools().packed(&block).is_empty());
    compressed(&block);
}

#[test]
fn large_unknown_content_is_judged_by_its_middle() {
    let block = file(&noise(300_000));
    assert_eq!(tools().packed(&block), slice::from_ref(&(512 + HEAD..block.bytes.len())));
    // A later piece of a large file has no head of its own.
    let mut piece = Block { bytes: noise(300_000), ..Block::default() };
    piece.file_from(0, true);
    assert_eq!(tools().packed(&piece), slice::from_ref(&(0..300_000)));
    compressed(&piece);
}

#[test]
fn files_of_both_kinds_share_a_block() {
    let mut block = Block::default();
    for round in 0..6 {
        block.bytes.resize(block.bytes.len().next_multiple_of(512) + 512, 0);
        let start = block.bytes.len();
        let content = if round % 2 == 0 { text(9000) } else { [b"GIF89a", &*noise(20_000 + round)].concat() };
        block.bytes.extend_from_slice(&content);
        block.file_from(start, false);
    }
    assert_eq!(tools().packed(&block).len(), 3);
    compressed(&block);
}

#[test]
fn an_empty_block_is_one_empty_member() {
    assert!(compressed(&Block::default()) > 0);
}
