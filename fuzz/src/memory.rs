//! An allocator that counts, and the bound that decoders are held to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Memory that a decoder may take whatever it was given: tables of libraries, the error, small buffers.
const BASE_BYTES: usize = 256 * 1024;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread holds.
pub struct Counting;

// Safety: every call is handed to the system's allocator unchanged; the counters are thread-local cells.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LIVE.try_with(|live| {
            live.set(live.get().saturating_add(layout.size()));
            let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
        });
        // Safety: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = LIVE.try_with(|live| live.set(live.get().saturating_sub(layout.size())));
        // Safety: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs a decoder and panics when its peak is beyond `factor` bytes for each byte given, and a base.
pub fn bounded<T>(given_bytes: usize, factor: usize, decode: impl FnOnce() -> T) -> T {
    let before = LIVE.get();
    PEAK.set(before);
    let result = decode();
    let taken_bytes = PEAK.get().saturating_sub(before);
    let bound_bytes = BASE_BYTES + given_bytes * factor;
    assert!(
        taken_bytes <= bound_bytes,
        "{given_bytes} bytes made the decoder take {taken_bytes}, beyond {bound_bytes}"
    );
    result
}
