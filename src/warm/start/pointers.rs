//! The pointers of a program that may be loaded anywhere: whether those that the warm path needs are correct.
//!
//! In a dynamic program the loader has corrected all of them. In a static one the C library would do so later. Nearly
//! all are in tables that the warm path never looks at, on some thirty pages. But the compiler calls `memcpy` and its
//! like through one more table, the global offset table, which has a page of its own. So that one is corrected here,
//! which does the C library no harm. `tests/bench/pointers` shows that the warm path looks at no other table.

use std::arch::asm;

/// One entry of the dynamic section: `Elf64_Dyn`.
#[repr(C)]
struct Entry {
    tag: usize,
    value: usize,
}

/// One pointer to correct: `Elf64_Rela`.
#[repr(C)]
struct Correction {
    offset: usize,
    kind: usize,
    addend: usize,
}

const DT_NULL: usize = 0;
const DT_RELA: usize = 7;
const DT_RELASZ: usize = 8;
const DT_RELR: usize = 36;
/// A pointer into the program itself.
const RELATIVE: usize = if cfg!(target_arch = "x86_64") { 8 } else { 1027 };

/// Whether they are. This is called from assembly, and before anything that calls through the table.
pub extern "C" fn are_correct() -> bool {
    if cfg!(not(target_feature = "crt-static")) {
        return cfg!(target_env = "gnu");
    }
    // glibc's own memcpy is chosen later; a debug build would call through the table to correct it.
    cfg!(all(target_env = "musl", target_arch = "x86_64", not(debug_assertions))) && correct()
}

/// Corrects the global offset table, and whatever follows it; whether that is enough. The linker puts the table
/// behind the dynamic section and sorts corrections by place, so that they are the last ones. This calls nothing.
fn correct() -> bool {
    let (base, dynamic): (usize, usize);
    // SAFETY: the linker defines both, and what is found relative to the code needs no correction. A program that
    // cannot be loaded anywhere has no dynamic section.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!(
            ".weak _DYNAMIC",
            ".hidden _DYNAMIC",
            "lea {base}, [rip + __ehdr_start]",
            "lea {dynamic}, [rip + _DYNAMIC]",
            base = out(reg) base,
            dynamic = out(reg) dynamic,
            options(nomem, nostack, preserves_flags),
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            ".weak _DYNAMIC",
            ".hidden _DYNAMIC",
            "adrp {base}, __ehdr_start",
            "add {base}, {base}, :lo12:__ehdr_start",
            "adrp {dynamic}, _DYNAMIC",
            "add {dynamic}, {dynamic}, :lo12:_DYNAMIC",
            base = out(reg) base,
            dynamic = out(reg) dynamic,
            options(nomem, nostack, preserves_flags),
        );
    }
    let (mut begin, mut length) = (0, 0);
    let mut entry = dynamic as *const Entry;
    // SAFETY: the section ends with an entry of tag 0, and what it describes is in this program, writable as yet.
    unsafe {
        while !entry.is_null() && (*entry).tag != DT_NULL {
            match (*entry).tag {
                DT_RELA => begin = base + (*entry).value,
                DT_RELASZ => length = (*entry).value,
                DT_RELR => return false,
                _ => {}
            }
            entry = entry.wrapping_add(1);
        }
        let mut next = begin + length;
        while next > begin {
            next -= size_of::<Correction>();
            let correction = next as *const Correction;
            let place = base.wrapping_add((*correction).offset);
            if place < dynamic {
                return true;
            }
            if (*correction).kind != RELATIVE {
                return false;
            }
            *(place as *mut usize) = base.wrapping_add((*correction).addend);
        }
    }
    false
}
