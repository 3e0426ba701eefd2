use super::*;
use flate2::read::MultiGzDecoder;
use proptest::prelude::*;
use rstest::rstest;
use std::io::Read;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0xaa; bound(bytes.len())];
    let length = write_member(bytes, &mut out);
    assert!(length + WORD <= out.len(), "{length} of {}", out.len());
    out.truncate(length);
    out
}

fn check(bytes: &[u8]) -> usize {
    let packed = packed(bytes);
    let mut back = Vec::new();
    MultiGzDecoder::new(&packed[..]).read_to_end(&mut back).unwrap();
    assert!(back == bytes, "flate2 reads something else");
    let mut back = vec![0; bytes.len()];
    let length = libdeflater::Decompressor::new().gzip_decompress(&packed, &mut back).unwrap();
    assert!(length == bytes.len() && back == bytes, "libdeflate reads something else");
    packed.len()
}

/// Bytes of which byte `n` comes about `weight(n)` times in `of`.
fn skewed(length: usize, weight: impl Fn(u8) -> u32) -> Vec<u8> {
    let table: Vec<u8> =
        (0..=255).flat_map(|byte| std::iter::repeat_n(byte, weight(byte) as usize)).collect();
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        table[(state >> 33) as usize % table.len()]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(3)]
#[case(4)]
#[case(BLOCK - 1)]
#[case(BLOCK)]
#[case(BLOCK + 1)]
#[case(5 * BLOCK)]
fn any_length_comes_back(#[case] length: usize) {
    check(&skewed(length, |byte| 1 + u32::from(byte < 16) * 9));
    check(&skewed(length, |_| 1));
    check(&vec![7; length]);
}

#[test]
fn what_has_nothing_to_gain_is_stored() {
    let bytes = skewed(10 * BLOCK, |_| 1);
    assert_eq!(check(&bytes), HEAD.len() + 10 * (BLOCK + STORED) + TAIL);
}

#[test]
fn bytes_that_come_more_often_are_told_in_fewer_bits() {
    let bytes = skewed(10 * BLOCK, |byte| if byte < 16 { 3 } else { 1 });
    let mut counts = [0f64; 256];
    for byte in &bytes {
        counts[usize::from(*byte)] += 1.0;
    }
    let total = bytes.len() as f64;
    let entropy = counts.iter().map(|n| -n * (n / total).log2()).sum::<f64>() / 8.0;
    let length = check(&bytes) as f64;
    assert!(length > entropy && length < entropy * 1.01, "{length} for an entropy of {entropy} bytes");
}

/// Fibonacci's numbers as weights make the longest codes there can be.
#[test]
fn codes_that_would_be_too_long_are_cut() {
    let mut weights = [0u32; 256];
    let (mut a, mut b) = (1u32, 1u32);
    for weight in weights.iter_mut().take(22) {
        *weight = a;
        (a, b) = (b, a + b);
    }
    let bytes: Vec<u8> =
        (0..=255).flat_map(|byte| std::iter::repeat_n(byte, weights[usize::from(byte)] as usize)).collect();
    let mut frequencies = [0; SYMBOLS];
    frequencies[..256].copy_from_slice(&weights);
    frequencies[END] = 1;
    let mut lengths = [0; SYMBOLS];
    limited(&frequencies, LONGEST, &mut lengths);
    let sum: usize = lengths.iter().filter(|l| **l > 0).map(|l| 1 << (LONGEST - usize::from(*l))).sum();
    assert_eq!(sum, 1 << LONGEST, "the code is complete");
    assert_eq!(lengths.iter().max(), Some(&(LONGEST as u8)));
    check(&bytes);
}

proptest! {
    #[test]
    fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        check(&bytes);
    }

    #[test]
    fn codes_are_complete_and_no_rarer_symbol_has_a_shorter_one(
        frequencies in proptest::collection::vec(prop_oneof![Just(0u32), 1u32..20, 1u32..40_000], 2..SYMBOLS),
        limit in 9usize..=15,
    ) {
        let mut lengths = vec![0u8; frequencies.len()];
        let used = frequencies.iter().filter(|f| **f > 0).count();
        prop_assume!(used >= 2);
        limited(&frequencies, limit, &mut lengths);
        let sum: usize = lengths.iter().filter(|l| **l > 0).map(|l| 1 << (limit - usize::from(*l))).sum();
        prop_assert_eq!(sum, 1 << limit);
        for (f, l) in frequencies.iter().zip(&lengths) {
            prop_assert_eq!(*f > 0, *l > 0);
            for (g, m) in frequencies.iter().zip(&lengths).filter(|(g, _)| *g > f && *f > 0) {
                prop_assert!(m <= l, "{} times in {} bits, {} times in {}", g, m, f, l);
            }
        }
    }
}
