//! Builds the console into `dist/` at the workspace root: `cargo run -p bundler` for a release, `-- --dev` for the
//! quick loop (small optimisation, nothing compressed).
//!
//! cargo build → wasm-bindgen → names that carry a hash of the content → `.br` and `.gz` beside every file. The
//! wasm-bindgen library comes from the same lockfile as the crate it processes, so the two cannot drift apart. Nothing in
//! the page is inline: it runs under `script-src 'self' 'wasm-unsafe-eval'; style-src 'self'`.

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> Result<()> {
    let dev = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--dev" => true,
        other => bail!("unknown arguments {other:?}; the only one is --dev"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace root")?;
    let started = Instant::now();
    let target = target_dir(root)?;
    let wasm = compile(root, &target, dev)?;
    let bindings = target.join("bindgen");
    bind(&wasm, &bindings, dev)?;
    let dist = Dist::create(root, dev)?;
    dist.fill(&root.join("frontend"), &bindings)?;
    dist.publish()?;
    eprintln!("console built into dist/ in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Compiles the crate `frontend` for the browser and returns the path of its wasm file.
fn compile(root: &Path, target: &Path, dev: bool) -> Result<PathBuf> {
    let profile = if dev { "web-dev" } else { "web" };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).args(["build", "-p", "frontend", "--profile", profile, "--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    cargo.arg("--config").arg(rust_flags(root, dev)?);
    if !dev {
        cargo.arg("--locked");
    }
    let status = cargo.status().context("cargo could not be started")?;
    ensure!(
        status.success(),
        "the console does not compile (if the target is missing: rustup target add {TARGET})"
    );
    Ok(target.join(TARGET).join(profile).join("frontend.wasm"))
}

/// Components are erased to one type: the compiler spends minutes on the nested types otherwise. For a release, source
/// paths are rewritten too: panic messages name the project and its dependencies, not the machine that built them.
fn rust_flags(root: &Path, dev: bool) -> Result<String> {
    let mut flags = vec!["'--cfg=erase_components'".to_string()];
    if !dev {
        let remap = |from: &Path, to: &str| format!("'--remap-path-prefix={}={to}'", from.display());
        flags.extend([remap(&cargo_home()?.join("registry/src"), "registry"), remap(root, "storekeep")]);
    }
    Ok(format!("target.{TARGET}.rustflags=[{}]", flags.join(",")))
}

/// Where Cargo puts what it builds.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo's own variables, in a build tool that has no configuration"
)]
fn target_dir(root: &Path) -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => std::path::absolute(dir).context("CARGO_TARGET_DIR is no path"),
        None => Ok(root.join("target")),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo's own variables, in a build tool that has no configuration"
)]
fn cargo_home() -> Result<PathBuf> {
    let set = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
        .context("neither CARGO_HOME nor HOME is set")
}

fn bind(wasm: &Path, out: &Path, dev: bool) -> Result<()> {
    remove_dir(out)?;
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .remove_name_section(!dev)
        .remove_producers_section(true)
        .out_name("app")
        .generate(out)
        .context("wasm-bindgen failed")
}

/// The folder that the server embeds. It is filled beside the old one, on the same disk, and takes its place at the end.
struct Dist {
    partial: PathBuf,
    place: PathBuf,
    dev: bool,
}

impl Dist {
    fn create(root: &Path, dev: bool) -> Result<Self> {
        let dist = Dist { partial: root.join("dist.partial"), place: root.join("dist"), dev };
        remove_dir(&dist.partial)?;
        fs::create_dir_all(dist.partial.join("assets"))?;
        Ok(dist)
    }

    fn fill(&self, frontend: &Path, bindings: &Path) -> Result<()> {
        let app_wasm = self.asset("app", "wasm", &fs::read(bindings.join("app_bg.wasm"))?)?;
        let app_js = self.asset("app", "js", &fs::read(bindings.join("app.js"))?)?;
        self.snippets(bindings)?;
        let place = |text: &str, names: &[(&str, &str)]| {
            names.iter().fold(text.to_string(), |text, (key, name)| text.replace(&format!("%{key}%"), name))
        };
        let boot = fs::read_to_string(frontend.join("static/boot.js"))?;
        let boot = place(&boot, &[("app.js", &app_js), ("app.wasm", &app_wasm)]);
        let boot_js = self.asset("boot", "js", boot.as_bytes())?;
        let theme_js = self.asset("theme", "js", &fs::read(frontend.join("static/theme.js"))?)?;
        let icon = self.asset("icon", "svg", &fs::read(frontend.join("static/icon.svg"))?)?;
        let style = self.asset("style", "css", styles(&frontend.join("styles"))?.as_bytes())?;
        let index = fs::read_to_string(frontend.join("static/index.html"))?;
        let names = [
            ("app.js", &*app_js),
            ("app.wasm", &app_wasm),
            ("boot.js", &boot_js),
            ("theme.js", &theme_js),
            ("icon.svg", &icon),
            ("style.css", &style),
        ];
        self.put("index.html", place(&index, &names).as_bytes())
    }

    /// JavaScript that dependencies ship; their glue refers to it by relative path.
    fn snippets(&self, bindings: &Path) -> Result<()> {
        let snippets = bindings.join("snippets");
        if !snippets.is_dir() {
            return Ok(());
        }
        for entry in walkdir::WalkDir::new(&snippets) {
            let entry = entry?;
            if entry.file_type().is_file() {
                let name = Path::new("assets").join(entry.path().strip_prefix(bindings)?);
                fs::create_dir_all(self.partial.join(&name).parent().context("a snippet without a folder")?)?;
                self.put(
                    name.to_str().context("a snippet whose name is not UTF-8")?,
                    &fs::read(entry.path())?,
                )?;
            }
        }
        Ok(())
    }

    /// Writes `assets/<stem>-<hash>.<extension>` and returns the file's name. The hash lets browsers keep it forever.
    fn asset(&self, stem: &str, extension: &str, body: &[u8]) -> Result<String> {
        let name = format!("{stem}-{}.{extension}", hex::encode(&Sha256::digest(body)[..8]));
        self.put(&format!("assets/{name}"), body)?;
        Ok(name)
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        fs::write(self.partial.join(name), body)?;
        if self.dev {
            return Ok(());
        }
        let mut brotli = Vec::new();
        let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        brotli::BrotliCompress(&mut &*body, &mut brotli, &best)?;
        fs::write(self.partial.join(format!("{name}.br")), &brotli)?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(body)?;
        let gzip = gzip.finish()?;
        fs::write(self.partial.join(format!("{name}.gz")), &gzip)?;
        eprintln!("{name}: {} bytes, br {}, gzip {}", body.len(), brotli.len(), gzip.len());
        Ok(())
    }

    fn publish(self) -> Result<()> {
        remove_dir(&self.place)?;
        fs::rename(&self.partial, &self.place).context("dist/ could not be put in place")
    }
}

/// All style sheets as one, in the order of their names.
fn styles(dir: &Path) -> Result<String> {
    let mut sheets = fs::read_dir(dir)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()?;
    sheets.retain(|p| p.extension().is_some_and(|e| e == "css"));
    sheets.sort();
    let texts = sheets.iter().map(fs::read_to_string).collect::<std::io::Result<Vec<_>>>()?;
    Ok(texts.concat())
}

fn remove_dir(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("{} could not be removed", dir.display()))
        }
        _ => Ok(()),
    }
}
