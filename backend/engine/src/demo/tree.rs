//! The file tree of the demo store: the shape of a Magento 2.4.7 root, a few thousand files large.

use super::content::{self, Seed};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// 2024-08-13: what the files of a release carry as their time.
const RELEASED: u64 = 1_723_550_400;

const MODULES: &[&str] = &[
    "catalog",
    "catalog-inventory",
    "catalog-rule",
    "catalog-search",
    "catalog-url-rewrite",
    "checkout",
    "cms",
    "configurable-product",
    "customer",
    "directory",
    "eav",
    "email",
    "import-export",
    "indexer",
    "inventory",
    "inventory-catalog-admin-ui",
    "inventory-in-store-pickup-sales-admin-ui",
    "inventory-source-deduction-api",
    "media-gallery-synchronization-metadata",
    "newsletter",
    "page-cache",
    "payment",
    "quote",
    "quote-graph-ql",
    "reports",
    "review",
    "sales",
    "sales-rule",
    "search",
    "security",
    "shipping",
    "store",
    "swatches",
    "tax",
    "theme",
    "ui",
    "url-rewrite",
    "user",
    "wishlist",
    "weee",
];

struct Writer<'a> {
    root: &'a Path,
    seed: Seed,
}

/// Writes the tree: `<root>` and, beside it, the shared media that `pub/media` links to. Everything but `app/etc/env.php`.
pub fn write(root: &Path, shared: &Path) -> io::Result<()> {
    let mut w = Writer { root, seed: Seed::of("tree") };
    w.skeleton()?;
    for module in MODULES {
        w.module(module)?;
    }
    w.libraries()?;
    w.theme()?;
    w.statics()?;
    w.generated()?;
    w.var()?;
    media(shared)?;
    fs::create_dir_all(root.join("pub"))?;
    symlink(
        Path::new("../..").join(relative_shared(root, shared)?).join("pub/media"),
        root.join("pub/media"),
    )?;
    settle(root)?;
    settle(shared)
}

/// The shared directory as seen from the folder that holds both.
fn relative_shared(root: &Path, shared: &Path) -> io::Result<PathBuf> {
    let holder = root.parent().unwrap_or(Path::new("/"));
    shared.strip_prefix(holder).map(Path::to_path_buf).map_err(io::Error::other)
}

impl Writer<'_> {
    fn file(&mut self, path: &str, content: impl AsRef<[u8]>) -> io::Result<()> {
        self.file_with(path, content, 0o664)
    }

    fn file_with(&mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> io::Result<()> {
        let path = self.root.join(path);
        write_file(&path, content.as_ref(), mode, RELEASED + self.seed.word() % 20_000_000)
    }

    fn php(&mut self, path: &str, namespace: &str) -> io::Result<()> {
        let mut seed = Seed::of(path);
        let class = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let size = seed.skewed(1700, 60_000);
        let text = content::php(&mut seed, namespace, &class, size);
        self.file(path, text)
    }

    fn skeleton(&mut self) -> io::Result<()> {
        let seed = &mut Seed::of("skeleton");
        let autoload = content::php(seed, "Composer\\Autoload", "ComposerStaticInit", 400_000);
        let console = "#!/usr/bin/env php\n<?php\nrequire __DIR__ . '/../app/bootstrap.php';\n";
        self.file_with("bin/magento", console, 0o755)?;
        self.file("app/bootstrap.php", content::php(seed, "Magento", "Bootstrap", 2500))?;
        self.file("app/autoload.php", content::php(seed, "Magento", "Autoload", 900))?;
        self.file("app/etc/di.xml", content::xml(seed, 120_000))?;
        self.file("app/etc/config.php", config_php())?;
        self.file("index.php", "<?php\nrequire __DIR__ . '/app/bootstrap.php';\n")?;
        self.file("pub/index.php", "<?php\nrequire __DIR__ . '/../app/bootstrap.php';\n")?;
        self.file("pub/.htaccess", "RewriteEngine on\nRewriteRule .* index.php [L]\n")?;
        self.file(
            "nginx.conf.sample",
            "location / {\n    try_files $uri $uri/ /index.php$is_args$args;\n}\n",
        )?;
        self.file("composer.json", composer_json())?;
        self.file("composer.lock", composer_lock())?;
        self.file_with("auth.json", "{\"http-basic\": {}}\n", 0o640)?;
        self.file("vendor/composer/autoload_static.php", autoload)?;
        self.file("vendor/autoload.php", "<?php\nreturn require __DIR__ . '/composer/autoload_real.php';\n")?;
        for name in ["shop", "loyalty"] {
            self.file(&format!("app/code/Acme/{name}/registration.php"), "<?php\n")?;
            for i in 0..25 {
                self.php(&format!("app/code/Acme/{name}/Model/Rule{i}.php"), "Acme\\Shop\\Model")?;
            }
        }
        for i in 0..60 {
            self.php(&format!("setup/src/Magento/Setup/Model/Installer{i}.php"), "Magento\\Setup\\Model")?;
            self.php(
                &format!("dev/tests/integration/framework/Magento/TestFramework/Case{i}.php"),
                "Magento",
            )?;
        }
        Ok(())
    }

    fn module(&mut self, module: &str) -> io::Result<()> {
        let base = format!("vendor/magento/module-{module}");
        let seed = &mut Seed::of(&base);
        let words: Vec<String> = module.split('-').map(capital).collect();
        let name = words.concat();
        self.file(
            &format!("{base}/registration.php"),
            "<?php\nuse Magento\\Framework\\Component\\ComponentRegistrar;\n",
        )?;
        self.file(
            &format!("{base}/composer.json"),
            format!("{{\n    \"name\": \"magento/module-{module}\",\n    \"type\": \"magento2-module\",\n    \"version\": \"104.0.{}-p3\"\n}}\n", seed.below(9)),
        )?;
        for file in [
            "module.xml",
            "di.xml",
            "events.xml",
            "acl.xml",
            "db_schema.xml",
            "adminhtml/di.xml",
            "frontend/di.xml",
        ] {
            let size = seed.skewed(1600, 40_000);
            self.file(&format!("{base}/etc/{file}"), content::xml(seed, size))?;
        }
        for folder in [
            "Model",
            "Model/ResourceModel",
            "Api",
            "Api/Data",
            "Controller/Adminhtml",
            "Block",
            "Helper",
            "Observer",
            "Plugin",
            "Setup/Patch/Data",
            "Ui/Component/Listing",
            "Test/Unit/Model",
        ] {
            for _ in 0..3 + seed.below(4) {
                let class = content::class_name(seed);
                self.php(
                    &format!("{base}/{folder}/{class}.php"),
                    &format!("Magento\\{name}\\{}", folder.replace('/', "\\")),
                )?;
            }
        }
        for i in 0..4 {
            let size = seed.skewed(2500, 50_000);
            self.file(&format!("{base}/view/frontend/web/js/{module}-{i}.js"), content::script(seed, size))?;
            self.file(
                &format!("{base}/view/frontend/templates/{module}/{i}.phtml"),
                content::php(seed, "Template", "Block", 700),
            )?;
        }
        for locale in ["en_US", "de_DE"] {
            let lines: String =
                (0..60).map(|_| format!("\"{0}\",\"{0}\"\n", content::sentence(seed, 4))).collect();
            self.file(&format!("{base}/i18n/{locale}.csv"), lines)?;
        }
        Ok(())
    }

    fn libraries(&mut self) -> io::Result<()> {
        for i in 0..150 {
            self.php(&format!("lib/internal/Magento/Framework/Type{i}.php"), "Magento\\Framework")?;
        }
        let seed = &mut Seed::of("libraries");
        self.file("lib/web/jquery/jquery.js", content::script(seed, 280_000))?;
        self.file("lib/web/knockoutjs/knockout.js", content::script(seed, 130_000))?;
        // As deep as the test fixtures of real packages are: paths above 200 and a name of 158 bytes.
        let deep =
            "dev/tests/integration/testsuite/Magento/InventoryInStorePickupSalesAdminUi/_files/fixtures";
        self.file(
            &format!("{deep}/{}.php", "source_items_for_bundle_options_on_default_source_".repeat(3) + "x"),
            content::php(seed, "Fixture", "Rollback", 900),
        )
    }

    fn theme(&mut self) -> io::Result<()> {
        let seed = &mut Seed::of("theme");
        for i in 0..60 {
            let size = seed.skewed(1500, 30_000);
            self.file(
                &format!("app/design/frontend/Acme/shop/web/css/source/_part{i}.less"),
                content::style(seed, size),
            )?;
        }
        Ok(())
    }

    fn statics(&mut self) -> io::Result<()> {
        self.file("pub/static/deployed_version.txt", "1723550400\n")?;
        let seed = &mut Seed::of("static");
        for locale in ["en_US", "de_DE"] {
            let base = format!("pub/static/frontend/Acme/shop/{locale}");
            for module in MODULES {
                let size = seed.skewed(2500, 60_000);
                let script = content::script(&mut Seed::of(module), size);
                self.file(&format!("{base}/Magento_{}/js/{module}.js", capital(module)), script)?;
                self.file(
                    &format!("{base}/Magento_{}/css/{module}.css", capital(module)),
                    content::style(seed, 1200),
                )?;
            }
            self.file(&format!("{base}/css/styles-m.css"), content::style(seed, 300_000))?;
        }
        // Developer mode leaves absolute links to a machine that is not this one: dangling, and to be kept as they are.
        let link = self.root.join("pub/static/frontend/Acme/shop/en_US/mage/bootstrap.js");
        if let Some(parent) = link.parent() {
            fs::create_dir_all(parent)?;
        }
        symlink("/home/developer/shop/lib/web/mage/bootstrap.js", link)?;
        symlink("../../lib/web/jquery", self.root.join("pub/static/jquery"))
    }

    fn generated(&mut self) -> io::Result<()> {
        for i in 0..300 {
            let module = capital(MODULES[i % MODULES.len()]);
            self.php(
                &format!("generated/code/Magento/{module}/Model/Type{i}/Interceptor.php"),
                "Magento\\Generated",
            )?;
        }
        let seed = &mut Seed::of("metadata");
        self.file("generated/metadata/global.php", content::php(seed, "Metadata", "GlobalArea", 1_200_000))
    }

    fn var(&mut self) -> io::Result<()> {
        let seed = &mut Seed::of("var");
        for i in 0..200 {
            let key = seed.word();
            let size = seed.skewed(3000, 80_000);
            self.file(
                &format!("var/cache/mage--{:x}/mage---{i:03x}_{key:016X}", key & 15),
                content::xml(seed, size),
            )?;
        }
        for _ in 0..40 {
            let id = seed.word();
            let text =
                format!("_session_hosts|a:0:{{}}checkout|a:1:{{s:8:\"quote_id\";i:{};}}", seed.below(9999));
            self.file_with(&format!("var/session/sess_{id:016x}{:016x}", seed.word()), text, 0o600)?;
        }
        for (name, lines) in
            [("system.log", 4000), ("exception.log", 1500), ("debug.log", 6000), ("cron.log", 800)]
        {
            let text: String = (0..lines)
                .map(|i| {
                    format!(
                        "[2026-10-{:02}T{:02}:{:02}:11.{:06}+00:00] main.INFO: {} [] []\n",
                        1 + i * 30 / lines,
                        i % 24,
                        i % 60,
                        seed.below(1_000_000),
                        content::sentence(seed, 9)
                    )
                })
                .collect();
            self.file(&format!("var/log/{name}"), text)?;
        }
        for i in 0..30 {
            let entry = content::sentence(seed, 60);
            self.file(&format!("var/report/{:012x}", seed.word() >> 16), entry)?;
            self.file(&format!("var/view_preprocessed/pub/static/part{i}.less"), content::style(seed, 900))?;
        }
        self.file("var/export/export_catalog_product.csv", content::sentence(seed, 20_000))?;
        self.file("var/.setup_cronjob_status", "")
    }
}

/// `pub/media`, where it is shared between releases: product images, their resized copies, editor uploads.
fn media(shared: &Path) -> io::Result<()> {
    let seed = &mut Seed::of("media");
    let base = shared.join("pub/media");
    for i in 0..120 {
        let name = format!("{}-{i:03}.jpg", content::sentence(seed, 2).replace(' ', "_"));
        let (a, b) = (&name[..1], &name[1..2]);
        let size = seed.skewed(30_000, 400_000);
        let image = content::jpeg(seed, size);
        write_file(
            &base.join(format!("catalog/product/{a}/{b}/{name}")),
            &image,
            0o664,
            RELEASED + 40_000_000 + i,
        )?;
        for variant in ["1f2b4c8d9e0a7f6b5c4d3e2f1a0b9c8d", "78b1c5f09d3a4e7c8b6f2a1d0e9c3b47"] {
            let path = base.join(format!("catalog/product/cache/{variant}/{a}/{b}/{name}"));
            write_file(&path, &content::jpeg(seed, size / 5), 0o664, RELEASED + 41_000_000 + i)?;
        }
    }
    let uploads = base.join("wysiwyg");
    write_file(&uploads.join("größentabelle.png"), &content::jpeg(seed, 9000), 0o664, RELEASED)?;
    // Uploaded by an old importer that wrote Latin-1.
    let latin: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"gr\xfc\xdfe.jpg");
    write_file(&uploads.join(latin), &content::jpeg(seed, 7000), 0o664, RELEASED)?;
    write_file(&uploads.join("banner.jpg"), &content::jpeg(seed, 60_000), 0o664, RELEASED)?;
    fs::hard_link(uploads.join("banner.jpg"), uploads.join("banner-copy.jpg"))?;
    write_file(&base.join(".htaccess"), b"Options -Indexes\n", 0o644, RELEASED)
}

fn write_file(path: &Path, content: &[u8], mode: u32, modified: u64) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(content)?;
    // The umask had its say when the file was made.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified))
}

/// Directories: group-writable with the group inherited, as deployments leave them, and as old as the release.
fn settle(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            settle(&entry.path())?;
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o2775))?;
    fs::File::open(dir)?.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(RELEASED))
}

/// Writes `app/etc/env.php` when it does not say this already.
pub fn write_env(root: &Path, socket: &Path, user: &str, password: &str, database: &str) -> io::Result<()> {
    let text = env_php(socket, user, password, database);
    let path = root.join("app/etc/env.php");
    if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    write_file(&path, text.as_bytes(), 0o640, RELEASED + 30_000_000)
}

fn env_php(socket: &Path, user: &str, password: &str, database: &str) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let (socket, user, password, database) =
        (quoted(&socket.to_string_lossy()), quoted(user), quoted(password), quoted(database));
    format!(
        "<?php
return [
    'backend' => [
        'frontName' => 'admin_demo'
    ],
    'crypt' => [
        'key' => 'd2c1f0a9b8e7d6c5b4a3f2e1d0c9b8a7'
    ],
    'db' => [
        'table_prefix' => '',
        'connection' => [
            'default' => [
                'host' => '{socket}',
                'dbname' => '{database}',
                'username' => '{user}',
                'password' => '{password}',
                'model' => 'mysql4',
                'engine' => 'innodb',
                'initStatements' => 'SET NAMES utf8;',
                'active' => '1',
                'driver_options' => [
                    1014 => false
                ]
            ]
        ]
    ],
    'resource' => [
        'default_setup' => [
            'connection' => 'default'
        ]
    ],
    'x-frame-options' => 'SAMEORIGIN',
    'MAGE_MODE' => 'production',
    'session' => [
        'save' => 'files'
    ],
    'lock' => [
        'provider' => 'db'
    ],
    'install' => [
        'date' => 'Tue, 13 Aug 2024 12:00:00 +0000'
    ]
];
"
    )
}

fn config_php() -> String {
    let modules: String = MODULES
        .iter()
        .map(|m| format!("        'Magento_{}' => 1,\n", m.split('-').map(capital).collect::<String>()))
        .collect();
    format!("<?php\nreturn [\n    'modules' => [\n{modules}    ]\n];\n")
}

fn composer_json() -> &'static str {
    "{
    \"name\": \"magento/project-community-edition\",
    \"description\": \"eCommerce Platform for Growth (Community Edition)\",
    \"type\": \"project\",
    \"version\": \"2.4.7-p3\",
    \"require\": {
        \"magento/product-community-edition\": \"2.4.7-p3\"
    }
}
"
}

fn composer_lock() -> String {
    let mut packages = vec![
        "        {\n            \"name\": \"magento/product-community-edition\",\n            \"version\": \"2.4.7-p3\",\n            \"type\": \"metapackage\"\n        }".to_string(),
    ];
    packages.extend(MODULES.iter().map(|m| {
        format!("        {{\n            \"name\": \"magento/module-{m}\",\n            \"version\": \"104.0.7-p3\",\n            \"type\": \"magento2-module\"\n        }}")
    }));
    format!("{{\n    \"packages\": [\n{}\n    ],\n    \"packages-dev\": []\n}}\n", packages.join(",\n"))
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
