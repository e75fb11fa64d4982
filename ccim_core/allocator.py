"""What the C library does with memory that tensors free: keep it for the next, or give it back."""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_freed_memory", "return_freed_memory"]

# Parameters of mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

_MMAP_BYTES = 2**28
_TRIM_BYTES = 2**29


def keep_freed_memory() -> bool:
    """Tell glibc to hold up to 512 MiB of freed memory; call once, at a process's entry.

    By default it returns freed blocks to the system so eagerly that a chain of tensor operations
    on a CPU faults the same pages in again at every step: a third of an encoder's time, and four
    fifths of a stratum substitution's, went there. Blocks above 256 MiB still come and go singly.

    Returns:
        Whether it was set; False under another C library, which is left as it is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # Both, without a short cut: setting either one ends glibc's own adaptation of the other.
    mapped = mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES) == 1
    trimmed = mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES) == 1
    return mapped and trimmed


def return_freed_memory() -> bool:
    """Give the system back what is free on every thread's heap, the opposite of keeping it.

    For a server that answers each visitor in a thread of their own: glibc gives threads heaps of
    their own, and what one has freed is of no use to another, so that without this each comes to
    hold what the largest answer took. Costs some milliseconds, once an answer.

    Returns:
        Whether there was any to give; False under another C library, which is left as it is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).malloc_trim(0) == 1)
