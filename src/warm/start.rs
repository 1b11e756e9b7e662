//! The program's first instructions, on Linux: the warm path, before the C library and Rust prepare for threads, signals
//! and what not, which takes longer than everything a warm call does. `build.rs` names [`zoho_cred_start`] as the entry
//! point, as a linker option. See `docs/decisions/0006-first-instructions.md`.
#![expect(unsafe_code, reason = "nothing safe runs before the start of a program")]

mod pointers;

use super::{Surroundings, TRIED, answer};
use crate::system::{Now, stdio};
use arrayvec::ArrayVec;
use pointers::are_correct;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::arch::{asm, naked_asm};
use std::ffi::{CStr, c_char};
use std::sync::atomic::Ordering;

/// The entry point: tries the warm path, then jumps to the usual one with registers and stack as they were.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zoho_cred_start() {
    naked_asm!(
        "mov rbx, rsp",
        "mov r12, rdx",
        "and rsp, -16",
        "call {are_correct}",
        "test al, al",
        "jz 2f",
        "mov rdi, rbx",
        "call {first}",
        "2:",
        "mov rdx, r12",
        "mov rsp, rbx",
        "jmp _start",
        are_correct = sym are_correct,
        first = sym first,
    )
}

/// The entry point: tries the warm path, then jumps to the usual one with registers and stack as they were.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zoho_cred_start() {
    naked_asm!(
        "mov x19, x0",
        "bl {are_correct}",
        "tbz w0, 0, 2f",
        "mov x0, sp",
        "bl {first}",
        "2:",
        "mov x0, x19",
        "b _start",
        are_correct = sym are_correct,
        first = sym first,
    )
}

/// Answers the call and ends the process, or returns. `stack` is what the kernel left: the number of arguments,
/// pointers to them, a null pointer, pointers to the variables, a null pointer.
unsafe extern "C" fn first(stack: *const usize) {
    TRIED.store(true, Ordering::Relaxed);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // SAFETY: the kernel lays the stack out like this.
    let (args, process) = unsafe {
        let args = stack.add(1).cast::<*const c_char>();
        (args, Process { variables: args.add(*stack + 1) })
    };
    let mut words = ArrayVec::<&str, 8>::new();
    for text in texts(args) {
        let Ok(()) = text.to_str().map_or(Err(()), |text| words.try_push(text).map_err(drop)) else { return };
    }
    // Somebody has put a library between us and the system, as faketime does for the clock: `main` asks through it.
    if cfg!(not(target_feature = "crt-static")) && process.variable("LD_PRELOAD").is_some() {
        return TRIED.store(false, Ordering::Relaxed);
    }
    if answer(&words, &process).is_some_and(|answer| is_written(&answer)) {
        exit(0);
    }
}

/// The process, as the kernel left it.
struct Process {
    variables: *const *const c_char,
}

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Option<&[u8]> {
        let value = |text: &'static CStr| text.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=");
        texts(self.variables).find_map(value).filter(|value| !value.is_empty())
    }

    /// The vDSO would be quicker, but is found by code that is not ready yet.
    fn now(&self) -> Now {
        Now { wall_ms: clock_ms(CLOCK_REALTIME), boot_ms: clock_ms(CLOCK_BOOTTIME) }
    }
}

/// The texts that a list of pointers points to, up to the null pointer.
fn texts(list: *const *const c_char) -> impl Iterator<Item = &'static CStr> {
    // SAFETY: the kernel ends both of its lists with a null pointer and each text with NUL, and nothing moves them.
    let text = move |n: usize| unsafe {
        let text = *list.add(n);
        (!text.is_null()).then(|| CStr::from_ptr(text))
    };
    (0..).map_while(text)
}

/// Writes to stdout. Where nothing could be written, the long way will tell; where only a part could, it will find
/// that stdout is no longer to be used.
fn is_written(mut rest: &[u8]) -> bool {
    ignore_sigpipe();
    let whole = rest.len();
    while !rest.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), rest) {
            Ok(written) if written > 0 => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            _ => {
                if rest.len() < whole {
                    stdio::give_up_stdout();
                }
                return false;
            }
        }
    }
    true
}

const CLOCK_REALTIME: usize = 0;
const CLOCK_BOOTTIME: usize = 7;
const SIGPIPE: usize = 13;
const SIG_IGN: usize = 1;

#[cfg(target_arch = "x86_64")]
mod number {
    pub const RT_SIGACTION: usize = 13;
    pub const CLOCK_GETTIME: usize = 228;
    pub const EXIT_GROUP: usize = 231;
}

#[cfg(target_arch = "aarch64")]
mod number {
    pub const RT_SIGACTION: usize = 134;
    pub const CLOCK_GETTIME: usize = 113;
    pub const EXIT_GROUP: usize = 94;
}

fn clock_ms(clock: usize) -> i64 {
    let mut time = [0i64; 2];
    // SAFETY: the kernel writes seconds and nanoseconds.
    unsafe { syscall(number::CLOCK_GETTIME, clock, time.as_mut_ptr() as usize, 0, 0) };
    time[0] * 1000 + time[1] / 1_000_000
}

/// As Rust's own start does: a write to a pipe that nobody reads is an error then, not the end of the process.
fn ignore_sigpipe() {
    let action = [SIG_IGN, 0, 0, 0];
    // SAFETY: handler, flags, restorer and an 8-byte mask, which the kernel only reads.
    unsafe { syscall(number::RT_SIGACTION, SIGPIPE, action.as_ptr() as usize, 0, 8) };
}

fn exit(code: usize) {
    // SAFETY: nothing of this process is needed any more.
    unsafe { syscall(number::EXIT_GROUP, code, 0, 0, 0) };
}

/// A system call without the C library.
unsafe fn syscall(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let result;
    // SAFETY: the caller passes what the call wants; the kernel changes no other register than those named.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d,
            options(nostack),
        );
    }
    result
}
