//! A vocabulary as long as a shop's: a few words are everywhere, thousands are rare.

use engine::demo::content::Seed;
use std::sync::LazyLock;

const COMMON: &str = "the value of to data is for and product in config string name item store with order id be array \
    customer type block get return if not price attribute model list from quote set category result \
    by option collection this index when default page product's factory template current status \
    request given that code key all table rule total layout action stock email add form field on \
    url class message website shipping element no tax image save path cart are entity review \
    payment cache source";
const ONSETS: &[&str] = &[
    "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "pr", "ch", "sh",
    "qu", "cl", "gr", "th", "sp", "re", "con", "in", "de", "un",
];
const NUCLEI: &[&str] = &["a", "e", "i", "o", "u", "e", "a", "ea", "io", "ou", "ai", "y"];
const CODAS: &[&str] =
    &["", "", "", "n", "r", "s", "t", "l", "d", "m", "ck", "nt", "rs", "st", "ng", "ble", "x"];
const VOCABULARY: usize = 14_000;
const SLOTS: usize = 1 << 16;

struct Words {
    words: Vec<String>,
    /// Zipf's law: the n-th word is taken with a chance of 1/n.
    slots: Vec<u16>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let seed = &mut Seed::of("vocabulary");
    let mut words: Vec<String> = COMMON.split(' ').map(String::from).collect();
    while words.len() < VOCABULARY {
        let syllables = 1 + seed.below(3) + usize::from(words.len() > 2000);
        let word: String =
            (0..syllables).flat_map(|_| [seed.pick(ONSETS), seed.pick(NUCLEI), seed.pick(CODAS)]).collect();
        words.push(word);
    }
    let slot = |i: usize| (VOCABULARY as f64).powf(i as f64 / SLOTS as f64) as u16 - 1;
    Words { words, slots: (0..SLOTS).map(slot).collect() }
});

/// A word as texts use them.
pub fn word(seed: &mut Seed) -> &'static str {
    let words = &*WORDS;
    &words.words[usize::from(words.slots[(seed.word() >> 48) as usize])]
}

/// A word that names something: seldom one of the commonest.
pub fn term(seed: &mut Seed) -> &'static str {
    let words = &*WORDS;
    let rank = usize::from(words.slots[(seed.word() >> 48) as usize])
        .max(usize::from(words.slots[(seed.word() >> 49) as usize]));
    words.words[rank].trim_end_matches("'s")
}

pub fn capital(out: &mut String, word: &str) {
    let mut letters = word.chars();
    out.extend(letters.next().map(|l| l.to_ascii_uppercase()));
    out.push_str(letters.as_str());
}

/// Words with blanks between them.
pub fn words(seed: &mut Seed, out: &mut String, count: usize) {
    for i in 0..count {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(word(seed));
    }
}

pub fn sentence(seed: &mut Seed, count: usize) -> String {
    let mut out = String::new();
    words(seed, &mut out, count);
    out
}

/// Sentences with capitals and full stops, `count` words in all.
pub fn prose(seed: &mut Seed, mut count: usize) -> String {
    let mut out = String::new();
    while count > 0 {
        let words = (4 + seed.below(14)).min(count);
        count -= words;
        if !out.is_empty() {
            out.push(' ');
        }
        capital(&mut out, word(seed));
        for _ in 1..words {
            out.push_str(if seed.below(11) == 0 { ", " } else { " " });
            out.push_str(word(seed));
        }
        out.push('.');
    }
    out
}

/// `count` terms, each with a capital.
pub fn camel(seed: &mut Seed, count: usize) -> String {
    let mut out = String::new();
    for _ in 0..count {
        capital(&mut out, term(seed));
    }
    out
}

/// `count` terms with `between` between them.
pub fn joined(seed: &mut Seed, count: usize, between: &str) -> String {
    (0..count).map(|_| term(seed)).collect::<Vec<_>>().join(between)
}

pub fn hex(seed: &mut Seed, digits: usize) -> String {
    let mut out = String::with_capacity(digits + 16);
    while out.len() < digits {
        out.push_str(&format!("{:016x}", seed.word()));
    }
    out.truncate(digits);
    out
}
