//! Code and static text. A file repeats its own names, files of a module share some, and the rest is new: that, and the many ways
//! to write a statement, make it compress like the real thing: with its tar headers 5.6 : 1 under `gzip -6` (a real store: 5.6 : 1),
//! and libdeflate's levels relate to `gzip -6` as they do on real source code.

use super::words::{camel, capital, hex, joined, term, words};
use engine::demo::content::Seed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Php,
    Xml,
    Script,
    Style,
    Template,
    Json,
    Translation,
    Prose,
}

impl Language {
    pub fn extension(self) -> &'static str {
        match self {
            Language::Php => "php",
            Language::Xml => "xml",
            Language::Script => "js",
            Language::Style => "css",
            Language::Template => "phtml",
            Language::Json => "json",
            Language::Translation => "csv",
            Language::Prose => "md",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Language::Php => {
                "<?php\n/**\n * Copyright © Demo Commerce, Inc. All rights reserved.\n * See COPYING.txt for license details.\n */\ndeclare(strict_types=1);\n\nnamespace Magento\\%M\\%N;\n\nuse Magento\\Framework\\%W\\%N;\nuse Magento\\%M\\Api\\Data\\%NInterface;\nuse Magento\\%W\\Model\\%W;\n\n/**\n * %s\n */\nclass %N extends %W implements %NInterface\n{\n"
            }
            Language::Xml => {
                "<?xml version=\"1.0\"?>\n<!--\n/**\n * Copyright © Demo Commerce, Inc. All rights reserved.\n * See COPYING.txt for license details.\n */\n-->\n<config xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"urn:magento:framework:ObjectManager/etc/config.xsd\">\n"
            }
            Language::Script => {
                "/**\n * Copyright © Demo Commerce, Inc. All rights reserved.\n * See COPYING.txt for license details.\n */\n\ndefine([\n    'jquery',\n    'underscore',\n    'Magento_%M/js/%n',\n    'mage/translate'\n], function ($, _, %n) {\n    'use strict';\n\n"
            }
            Language::Style => {
                "/**\n * Copyright © Demo Commerce, Inc. All rights reserved.\n * See COPYING.txt for license details.\n */\n\n"
            }
            Language::Template => {
                "<?php\n/**\n * Copyright © Demo Commerce, Inc. All rights reserved.\n * See COPYING.txt for license details.\n */\n\n/** @var \\Magento\\%M\\Block\\%N $block */\n?>\n"
            }
            Language::Json => "{\n    \"name\": \"%k/module-%k\",\n",
            Language::Translation | Language::Prose => "",
        }
    }

    fn parts(self) -> &'static [&'static str] {
        match self {
            Language::Php => PHP,
            Language::Xml => XML,
            Language::Script => SCRIPT,
            Language::Style => STYLE,
            Language::Template => TEMPLATE,
            Language::Json => JSON,
            Language::Translation => &["\"%s\",\"%s\"\n", "\"%S\",\"%S\"\n", "\"%w\",\"%w\"\n"],
            Language::Prose => &["## %W %w\n\n", "%S\n", "%S\n\n", "* `%N`: %s\n", "* %s\n"],
        }
    }

    fn tail(self) -> &'static str {
        match self {
            Language::Php => "}\n",
            Language::Xml => "</config>\n",
            Language::Script => "});\n",
            Language::Json => "    \"version\": \"%d\"\n}\n",
            _ => "",
        }
    }
}

// `%N` `%n` `%k`: a name of this file (NamedLike, namedLike, named_like); `%W` `%w`: any; `%M`: the module; `%v`: a verb; `%s` `%S`: a
// short and a long sentence; `%d`: a number; `%c`: a colour; `%x`: a hash; `%{`: statements, indented twice.
const PHP: &[&str] = &[
    "    /**\n     * @var %NInterface\n     */\n    private $%n;\n\n",
    "    /**\n     * %s\n     *\n     * @param %N $%n\n     * @param int|null $storeId\n     * @return %N\n     * @throws LocalizedException\n     */\n    public function %v%N(%N $%n, ?int $storeId = null): %N\n    {\n%{        return $%n;\n    }\n\n",
    "    /**\n     * @inheritdoc\n     */\n    public function get%N()\n    {\n        return $this->getData(self::%W);\n    }\n\n",
    "    /**\n     * %S\n     *\n     * @param string $%n\n     * @return $this\n     */\n    public function set%N($%n)\n    {\n        return $this->setData('%k', $%n);\n    }\n\n",
    "    /**\n     * %s\n     *\n     * @return array\n     */\n    protected function _%v%W()\n    {\n%{        return [];\n    }\n\n",
    "    const %W_%W = '%k/%w/%w';\n\n",
    "    /**\n     * @param Context $context\n     * @param %NFactory $%nFactory\n     * @param %W $%w\n     * @param array $data\n     */\n    public function __construct(\n        Context $context,\n        %NFactory $%nFactory,\n        %W $%w,\n        array $data = []\n    ) {\n        parent::__construct($context, $data);\n        $this->%nFactory = $%nFactory;\n%{    }\n\n",
    "    /**\n     * Test %s\n     *\n     * @magentoDataFixture Magento/%M/_files/%k.php\n     * @return void\n     */\n    public function test%v%W(): void\n    {\n        $%n = $this->createMock(%N::class);\n        $%n->expects($this->once())->method('%v%N')->willReturn(%d);\n%{        $this->assertEquals('%w', $this->model->%v%W(%d));\n    }\n\n",
    "    public static function %v%WDataProvider(): array\n    {\n        return [\n            ['%s', %d, null],\n            ['%w %w', %d, '%k'],\n        ];\n    }\n\n",
];
const STATEMENTS: &[&str] = &[
    "        $%n = $this->%nFactory->create();\n",
    "        if (!$%n->get%N()) {\n            throw new LocalizedException(__('%s'));\n        }\n",
    "        foreach ($%n->getItems() as $%w) {\n            $%w->%v%W($this->get%N(), %d);\n        }\n",
    "        $this->%n->%v%W($%n, ['%k' => $%n->getId(), '%w' => %d]);\n",
    "        $%n['%k'] = (int)$%n->getData('%w');\n",
    "        // %s\n",
    "        $this->logger->critical('%s', ['exception' => $e]);\n",
    "        $select->joinLeft(['%w' => $this->getTable('%k_%w')], 'main_table.%k = %w.%w_id', ['%w']);\n",
    "        $collection->addFieldToFilter('%k', ['in' => $%nIds])->setPageSize(%d);\n",
    "        return $this->_scopeConfig->getValue('%w/%k/%w', ScopeInterface::SCOPE_STORE, $storeId);\n",
    "        try {\n            $%n = $this->%nRepository->getById($%wId);\n        } catch (NoSuchEntityException $e) {\n            $%n = null;\n        }\n",
    "        $result = array_merge($result, $this->%v%N($%w, '%k'));\n",
    "        $this->messageManager->addErrorMessage(__('%s', $%n->getName()));\n",
    "        $%w = isset($data['%k']) ? $data['%k'] : %d;\n",
    "        if ($%n instanceof \\Magento\\%W\\Model\\%W && $%n->is%W()) {\n            $%n->%v%N(true);\n        }\n",
    "        $this->eventManager->dispatch('%k_%v_after', ['%w' => $%n]);\n",
    "        $%w = '%x';\n",
    "        $total += round($%n->getBase%W() * $%w / %d, 4);\n",
];
const XML: &[&str] = &[
    "    <preference for=\"Magento\\%M\\Api\\%NInterface\" type=\"Magento\\%M\\Model\\%W\"/>\n",
    "    <type name=\"Magento\\%W\\Model\\%N\">\n        <plugin name=\"%k_%w\" type=\"Magento\\%M\\Plugin\\%W\" sortOrder=\"%d\"/>\n    </type>\n",
    "    <virtualType name=\"%N%W\" type=\"Magento\\Framework\\%W\">\n        <arguments>\n            <argument name=\"%n\" xsi:type=\"object\">Magento\\%M\\Model\\%W\\Proxy</argument>\n            <argument name=\"%w\" xsi:type=\"string\">%k_%w</argument>\n        </arguments>\n    </virtualType>\n",
    "    <field id=\"%k\" translate=\"label comment\" type=\"text\" sortOrder=\"%d\" showInDefault=\"1\" showInWebsite=\"1\" showInStore=\"1\">\n        <label>%s</label>\n        <comment>%s</comment>\n        <config_path>%w/%k/%w</config_path>\n    </field>\n",
    "    <!-- %s -->\n",
    "    <column xsi:type=\"varchar\" name=\"%k_%w\" nullable=\"true\" length=\"%d\" comment=\"%s\"/>\n",
    "    <referenceContainer name=\"%k.%w\">\n        <block class=\"Magento\\%M\\Block\\%N\" name=\"%k.%w.%w\" template=\"Magento_%M::%w/%k.phtml\"/>\n    </referenceContainer>\n",
    "    <test name=\"%W%NTest\">\n        <annotations>\n            <title value=\"%s\"/>\n            <description value=\"%S\"/>\n            <testCaseId value=\"MC-%d\"/>\n        </annotations>\n        <actionGroup ref=\"%W%NActionGroup\" stepKey=\"%v%W\"/>\n    </test>\n",
    "    <element name=\"%n\" type=\"button\" selector=\"#%k-%w .%w[data-index='%w']\" timeout=\"%d\"/>\n",
];
const SCRIPT: &[&str] = &[
    "    /** %s */\n    %n.%v%W = function (%w, options) {\n        var self = this,\n            %n = options.%w || %d;\n\n        $(%w).on('click', '.%k-%w', function (event) {\n            self.%v%N(event.%w, %n);\n        });\n\n        return $t('%s');\n    };\n\n",
    "    if (_.isUndefined(%n.%w) || this.%n.length > %d) {\n        this.%v%W(%n);\n    }\n\n",
    "    $.widget('mage.%n', {\n        options: {\n            %w: '.%k-%w',\n            %w: %d,\n            %wSelector: '[data-role=\"%w\"]'\n        },\n\n",
    "        /**\n         * %s\n         *\n         * @param {Object} %n\n         * @returns {*}\n         */\n        %v%N: function (%n) {\n            return this._super().%v%W(%n, '%w');\n        },\n\n",
    "function %w(e,t,n){return e.%n=t||{},n&&n.%w(e.%n.%w,%d),e}",
    "var %w=%w(%d),%w=this.%n.%w;%w.%v(%w,function(e){return %n(e,\"%w\")});",
    "    // %s\n",
    "    this.%n = ko.observable(window.checkoutConfig.%w.%n);\n",
    "%w[%d]={%w:\"%x\",%w:%d,%w:!0};",
];
const STYLE: &[&str] = &[
    ".%k-%w .%w {\n    margin: %dpx %dpx;\n    color: #%c;\n}\n\n",
    ".%k > .%w-%w:hover,\n.%k > .%w-%w:focus {\n    background: #%c;\n    border: 1px solid #%c;\n    box-shadow: 0 0 %dpx rgba(0, 0, 0, 0.%d);\n}\n\n",
    "@media only screen and (min-width: %dpx) {\n    .%k-%w {\n        float: left;\n        width: %d.%d%;\n        padding-left: %dpx;\n    }\n}\n\n",
    "@%k__%w: @%w__%w;\n@%k__%w-color: #%c;\n",
    "//  %s\n",
    ".%k-%w{font-size:%d.%drem;line-height:1.%d}.%w-%w:before{content:'\\e6%d';display:inline-block}",
    ".%w.%k {\n    .lib-%w(@_%w: @%k__%w);\n    &:not(.%w) {\n        display: none;\n    }\n}\n\n",
];
const TEMPLATE: &[&str] = &[
    "<div class=\"%k-%w\" data-bind=\"scope: '%n'\">\n    <span class=\"%w\"><?= $block->escapeHtml(__('%s')) ?></span>\n</div>\n",
    "<?php if ($block->get%N()): ?>\n    <a href=\"<?= $block->escapeUrl($block->get%WUrl()) ?>\" title=\"%w %w\"><?= /* @noEscape */ $block->%v%N() ?></a>\n<?php endif; ?>\n",
    "<?php foreach ($%n->get%W() as $%w): ?>\n    <li class=\"item %k\"><?= $block->escapeHtml($%w->get%N()) ?></li>\n<?php endforeach; ?>\n",
    "<script type=\"text/x-magento-init\">\n    {\n        \"#%k\": {\n            \"Magento_%M/js/%n\": {\"%w\": \"%w\", \"%k\": %d}\n        }\n    }\n</script>\n",
    "<!-- %s -->\n",
];
const JSON: &[&str] = &[
    "    \"%k\": \"%s\",\n",
    "    \"%w-%w\": {\"version\": \"%d.%d.%d\", \"resolved\": \"https://registry.example.org/%w/-/%w-%d.%d.tgz\", \"integrity\": \"%x\"},\n",
    "    \"%k_%w\": [\"%w\", \"%w\", \"%k\"],\n",
    "    \"%w\": %d,\n",
];
const VERBS: &[&str] = &[
    "get", "set", "load", "save", "delete", "resolve", "build", "validate", "prepare", "collect", "apply",
    "render", "process", "execute", "convert", "merge", "format", "update", "reindex", "assign", "dispatch",
    "create", "is", "has", "can", "add", "remove", "init",
];

struct Name {
    camel: String,
    lower: String,
    snake: String,
}

impl Name {
    fn new(seed: &mut Seed) -> Name {
        let words = 1 + seed.below(3);
        let snake = joined(seed, words, "_");
        let mut camel = String::new();
        for word in snake.split('_') {
            capital(&mut camel, word);
        }
        let lower = format!("{}{}", camel[..1].to_ascii_lowercase(), &camel[1..]);
        Name { camel, lower, snake }
    }
}

struct Author<'a> {
    seed: &'a mut Seed,
    module: String,
    names: Vec<Name>,
    out: String,
}

/// A text of about `size` bytes. Files with the same `module` have names in common.
pub fn text(seed: &mut Seed, language: Language, module: &str, size: usize) -> String {
    let shared = &mut Seed::of(module);
    let module = camel(shared, 2);
    let mut names: Vec<Name> = (0..24).map(|_| Name::new(shared)).collect();
    for _ in 0..18 {
        names.swap_remove(seed.below(names.len()));
    }
    names.extend((0..5).map(|_| Name::new(seed)));
    let mut author = Author { seed, module, names, out: String::with_capacity(size + 4096) };
    author.fill(language.head());
    let mut parts = Vec::new();
    while author.out.len() < size {
        // A long text speaks of more than a short one.
        if author.seed.below(12) == 0 {
            let at = author.seed.below(author.names.len());
            author.names[at] = Name::new(author.seed);
        }
        let before = author.out.len();
        if parts.len() > 2 && author.seed.below(7) == 0 {
            // Written by copying: what stood above, up to somewhere in its middle.
            let (from, to) = parts[parts.len() - 1 - author.seed.below(parts.len().min(30))];
            let copy =
                (from + (to - from) / 2..to).rev().find(|at| author.out.is_char_boundary(*at)).unwrap_or(to);
            author.out.extend_from_within(from..copy);
        }
        let part = author.seed.pick(language.parts());
        author.fill(part);
        parts.push((before, author.out.len()));
    }
    author.fill(language.tail());
    author.out
}

impl Author<'_> {
    fn name(&mut self) -> usize {
        let bound = self.names.len();
        self.seed.below(bound).min(self.seed.below(bound))
    }

    fn fill(&mut self, template: &str) {
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('%') {
            self.out.push_str(before);
            let Some(slot) = after.bytes().next().filter(u8::is_ascii_graphic) else {
                self.out.push('%');
                rest = after;
                continue;
            };
            rest = &after[1..];
            self.slot(slot);
        }
        self.out.push_str(rest);
    }

    fn slot(&mut self, slot: u8) {
        match slot {
            b'N' => {
                let at = self.name();
                self.out.push_str(&self.names[at].camel);
            }
            b'n' => {
                let at = self.name();
                self.out.push_str(&self.names[at].lower);
            }
            b'k' => {
                let at = self.name();
                self.out.push_str(&self.names[at].snake);
            }
            b'W' => capital(&mut self.out, term(self.seed)),
            // What is new in one place comes back in another.
            b'w' if self.seed.below(3) == 0 => self.slot(b'n'),
            b'w' => self.out.push_str(term(self.seed)),
            b'M' => self.out.push_str(&self.module),
            b'v' => self.out.push_str(self.seed.pick(VERBS)),
            b's' => {
                let count = 2 + self.seed.below(7);
                words(self.seed, &mut self.out, count);
            }
            b'S' => {
                let count = 8 + self.seed.below(12);
                words(self.seed, &mut self.out, count);
            }
            b'd' => {
                let bound = [10, 100, 100, 1000, 10_000][self.seed.below(5)];
                self.out.push_str(&self.seed.below(bound).to_string());
            }
            b'c' => self.out.push_str(&hex(self.seed, 6)),
            b'x' => self.out.push_str(&hex(self.seed, 32)),
            b'{' => {
                for _ in 0..1 + self.seed.below(7) {
                    let statement = self.seed.pick(STATEMENTS);
                    self.fill(statement);
                }
            }
            other => {
                self.out.push('%');
                self.out.push(char::from(other));
            }
        }
    }
}
