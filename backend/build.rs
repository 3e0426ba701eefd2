//! rust-embed does not notice files that appear after the first build; cargo does, when told to look. A folder that does not
//! exist would make cargo run this, and rebuild the crate, every time: so it is made.

fn main() {
    if let Err(error) = std::fs::create_dir_all("../dist") {
        println!("cargo:warning=the console's folder cannot be made: {error}");
    }
    println!("cargo:rerun-if-changed=../dist");
}
