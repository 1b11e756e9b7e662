//! The program `zoho-sandbox`.
fn main() {}
