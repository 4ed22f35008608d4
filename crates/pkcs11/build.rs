//! Link settings of the shared library.

fn main() {
    // Hosts unload modules while threads still run their code's thread-local destructors: stay mapped.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rerun-if-changed=build.rs");
}
