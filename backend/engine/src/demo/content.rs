//! Seeded content: the same bytes from the same seed on every machine, and compressible like the real thing.

/// SplitMix64: small, fast, and stable across versions, unlike the generators of a crate.
#[derive(Clone)]
pub struct Seed(u64);

impl Seed {
    pub fn new(seed: u64) -> Self {
        Seed(seed)
    }

    /// A generator of its own for `name`: what one file holds does not depend on the files before it.
    pub fn of(name: &str) -> Self {
        // FNV-1a
        Seed(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound.max(1) as u64) as usize
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Many small values and few large ones, around `median`: what file sizes and texts look like.
    pub fn skewed(&mut self, median: usize, max: usize) -> usize {
        let doublings = (self.word() % 1000).min(self.word() % 1000) as f64 / 1000.0 * 7.0;
        let halvings = (self.word() % 1000) as f64 / 1000.0 * 2.5;
        ((median as f64 * (doublings - halvings).exp2()) as usize).clamp(1, max)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len + 8);
        while out.len() < len {
            out.extend_from_slice(&self.word().to_le_bytes());
        }
        out.truncate(len);
        out
    }
}

const NOUNS: &[&str] = &[
    "Product",
    "Category",
    "Order",
    "Quote",
    "Customer",
    "Address",
    "Invoice",
    "Shipment",
    "Price",
    "Stock",
    "Source",
    "Attribute",
    "Option",
    "Collection",
    "Repository",
    "Session",
    "Config",
    "Store",
    "Website",
    "Scope",
    "Url",
    "Rewrite",
    "Image",
    "Gallery",
    "Cart",
    "Rule",
    "Coupon",
    "Tax",
    "Payment",
    "Gateway",
    "Email",
    "Template",
    "Layout",
    "Block",
    "Widget",
    "Cache",
    "Index",
    "Queue",
    "Message",
    "Schedule",
    "Report",
    "Review",
    "Rating",
    "Search",
    "Filter",
    "Cursor",
    "Batch",
    "Reservation",
    "Allocation",
    "Label",
    "Status",
    "History",
    "Comment",
];
const VERBS: &[&str] = &[
    "get", "set", "load", "save", "delete", "resolve", "build", "validate", "prepare", "collect", "apply",
    "render", "process", "execute", "convert", "merge", "format", "update", "reindex", "assign", "dispatch",
    "create",
];
const ROLES: &[&str] = &[
    "Interface",
    "Factory",
    "Provider",
    "Resolver",
    "Processor",
    "Validator",
    "Builder",
    "Plugin",
    "Observer",
    "Handler",
    "Converter",
    "Pool",
    "Registry",
    "Helper",
    "Modifier",
    "Command",
];
const PLAIN: &[&str] = &[
    "the",
    "a",
    "for",
    "with",
    "of",
    "and",
    "this",
    "value",
    "item",
    "given",
    "returns",
    "when",
    "not",
    "is",
    "by",
    "list",
    "current",
    "default",
    "data",
    "result",
    "from",
    "all",
    "each",
    "entity",
    "identifier",
    "before",
    "after",
    "store",
    "view",
    "website",
    "price",
    "stock",
    "soft",
    "cotton",
    "classic",
    "light",
    "every",
    "day",
    "comfort",
    "fit",
    "style",
    "design",
    "season",
    "colour",
    "washable",
    "durable",
    "pocket",
    "sleeve",
    "running",
    "training",
];

/// `PriceStockResolver`, `QuoteAddressRepository`: a class of a Magento module.
pub fn class_name(seed: &mut Seed) -> String {
    format!("{}{}{}", seed.pick(NOUNS), seed.pick(NOUNS), seed.pick(ROLES))
}

pub fn sentence(seed: &mut Seed, words: usize) -> String {
    let mut out = String::new();
    for i in 0..words {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(seed.pick(PLAIN));
    }
    out
}

fn method(seed: &mut Seed, out: &mut String) {
    let (verb, noun, kind) = (seed.pick(VERBS), seed.pick(NOUNS), seed.pick(NOUNS));
    let variable = noun.to_lowercase();
    out.push_str(&format!("    /**\n     * {}\n     *\n", sentence(seed, 6)));
    out.push_str(&format!("     * @param {kind}Interface ${variable}\n     * @param int|null $storeId\n"));
    out.push_str(&format!("     * @return {kind}Interface\n     * @throws LocalizedException\n     */\n"));
    out.push_str(&format!(
        "    public function {verb}{noun}({kind}Interface ${variable}, ?int $storeId = null): {kind}Interface\n    {{\n"
    ));
    for _ in 0..1 + seed.below(7) {
        let (other, call) = (seed.pick(NOUNS), seed.pick(VERBS));
        let field = other.to_lowercase();
        match seed.below(5) {
            0 => out.push_str(&format!(
                "        if (!${variable}->get{other}()) {{\n            throw new LocalizedException(__('{}'));\n        }}\n",
                sentence(seed, 5)
            )),
            1 => out.push_str(&format!(
                "        foreach ($this->{field}Pool->getItems() as $key => ${field}) {{\n            ${variable}->addData($key, ${field}->{call}());\n        }}\n"
            )),
            2 => out.push_str(&format!(
                "        $this->logger->debug('{}', ['id' => ${variable}->getId(), 'code' => {}]);\n",
                sentence(seed, 3),
                seed.below(9000)
            )),
            3 => out.push_str(&format!("        ${field} = $this->{field}Factory->create(['data' => ${variable}->getData()]);\n")),
            _ => out.push_str(&format!("        ${variable}->set{other}($this->{call}{other}(${variable}, $storeId));\n")),
        }
    }
    out.push_str(&format!("        return ${variable};\n    }}\n\n"));
}

/// A PHP class of about `size` bytes.
pub fn php(seed: &mut Seed, namespace: &str, class: &str, size: usize) -> String {
    let mut out = String::from(
        "<?php\n/**\n * Copyright © Demo Commerce. All rights reserved.\n * See COPYING.txt for license details.\n */\ndeclare(strict_types=1);\n\n",
    );
    out.push_str(&format!(
        "namespace {namespace};\n\nuse Magento\\Framework\\Exception\\LocalizedException;\n"
    ));
    for _ in 0..seed.below(9) {
        out.push_str(&format!("use Magento\\{}\\Api\\{};\n", seed.pick(NOUNS), class_name(seed)));
    }
    out.push_str(&format!("\n/**\n * {}\n */\nclass {class}\n{{\n", sentence(seed, 8)));
    while out.len() < size {
        method(seed, &mut out);
    }
    out.push_str("}\n");
    out
}

/// XML, as in `etc/di.xml`, of about `size` bytes.
pub fn xml(seed: &mut Seed, size: usize) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\"?>\n<config xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"urn:magento:framework:ObjectManager/etc/config.xsd\">\n",
    );
    while out.len() < size {
        let (noun, class) = (seed.pick(NOUNS), class_name(seed));
        out.push_str(&format!(
            "    <preference for=\"Magento\\{noun}\\Api\\{class}\" type=\"Magento\\{noun}\\Model\\{class}\"/>\n    <type name=\"Magento\\{noun}\\Model\\{class}\">\n        <arguments>\n            <argument name=\"{}\" xsi:type=\"object\">{}</argument>\n        </arguments>\n    </type>\n",
            noun.to_lowercase(),
            class_name(seed)
        ));
    }
    out.push_str("</config>\n");
    out
}

/// JavaScript, of about `size` bytes.
pub fn script(seed: &mut Seed, size: usize) -> String {
    let mut out = String::from(
        "define(['jquery', 'ko', 'mage/translate', 'uiComponent'], function ($, ko, $t, Component) {\n    'use strict';\n\n    return Component.extend({\n",
    );
    while out.len() < size {
        let (verb, noun) = (seed.pick(VERBS), seed.pick(NOUNS));
        out.push_str(&format!(
            "        /** {} */\n        {verb}{noun}: function (element, options) {{\n            var self = this;\n\n            $(element).on('{}', function () {{\n                self.{}({});\n            }});\n            return $t('{}');\n        }},\n\n",
            sentence(seed, 5),
            seed.pick(&["click", "change", "contentUpdated", "submit"]),
            noun.to_lowercase(),
            seed.below(500),
            sentence(seed, 3)
        ));
    }
    out.push_str("    });\n});\n");
    out
}

/// A style sheet, of about `size` bytes.
pub fn style(seed: &mut Seed, size: usize) -> String {
    let mut out = String::new();
    while out.len() < size {
        out.push_str(&format!(
            ".{}-{} .{} {{\n    margin: {}px {}px;\n    color: #{:06x};\n    line-height: 1.{};\n}}\n\n",
            seed.pick(NOUNS).to_lowercase(),
            seed.pick(VERBS),
            seed.pick(NOUNS).to_lowercase(),
            seed.below(40),
            seed.below(40),
            seed.word() & 0xff_ffff,
            seed.below(9)
        ));
    }
    out
}

/// Bytes that look like a JPEG to a compressor: headers, then entropy-coded data.
pub fn jpeg(seed: &mut Seed, size: usize) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, 0xe0, 0, 0x10];
    out.extend_from_slice(b"JFIF\0\x01\x01\0\0\x48\0\x48\0\0");
    out.extend_from_slice(&seed.bytes(size.max(64)));
    out.extend_from_slice(&[0xff, 0xd9]);
    out
}
