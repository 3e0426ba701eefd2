//! Which Magento it is: what Composer installed.

use serde_json::Value;
use std::path::Path;

/// `composer.lock` of a large store has about 2 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Packages that say edition and version, the most specific first.
const PRODUCTS: [(&str, &str); 7] = [
    ("magento/magento-cloud-metapackage", "Adobe Commerce (cloud)"),
    ("magento/product-enterprise-edition", "Adobe Commerce"),
    ("magento/magento2-ee-base", "Adobe Commerce"),
    ("mage-os/product-community-edition", "Mage-OS"),
    ("magento/product-community-edition", "Magento Open Source"),
    ("magento/magento2ce", "Magento Open Source"),
    ("magento/magento2-base", "Magento Open Source"),
];

/// `Magento Open Source 2.4.7-p3`; none when Composer's files do not say.
pub(super) fn version(root: &Path) -> Option<String> {
    let lock = json(&root.join("composer.lock"));
    let manifest = json(&root.join("composer.json"));
    PRODUCTS.iter().find_map(|(package, edition)| {
        let version = lock
            .as_ref()
            .and_then(|lock| installed(lock, package))
            .or_else(|| manifest.as_ref().and_then(|manifest| named(manifest, package)))?;
        Some(format!("{edition} {}", version.trim_start_matches('v')))
    })
}

fn json(path: &Path) -> Option<Value> {
    let bytes = super::read_limited(path, MAX_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn installed(lock: &Value, package: &str) -> Option<String> {
    let packages = lock.get("packages")?.as_array()?;
    let found = packages.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(package))?;
    Some(found.get("version")?.as_str()?.to_string())
}

/// A checkout of the sources is the package itself; a project requires it.
fn named(manifest: &Value, package: &str) -> Option<String> {
    let itself = manifest.get("name").and_then(Value::as_str) == Some(package);
    let version = if itself { manifest.get("version") } else { manifest.get("require")?.get(package) };
    Some(version?.as_str()?.to_string())
}
