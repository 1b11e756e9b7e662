//! Runs the library's `run` as a process.

#[cfg(target_env = "musl")]
use dlmalloc::GlobalDlmalloc as Heap;
#[cfg(not(target_env = "musl"))]
use std::alloc::System as Heap;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;
use zoho_cred::run;
use zoho_cred::system::{System, harden};

/// Zeroes heap memory when it is freed. HTTP, TLS and JSON libraries copy secrets into buffers that only the
/// allocator can reach.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<Heap> = ZeroAlloc(Heap);

fn main() -> ExitCode {
    harden();
    run(std::env::args_os(), &mut System::real()).into()
}
