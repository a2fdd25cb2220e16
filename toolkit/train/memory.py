"""Keeps freed memory in the process: a third more speed for small models on a CPU.

A training step frees and asks again for the same large activations. By default glibc gives each
back to the kernel, which hands out fresh zeroed pages: 12,000 to 660,000 page faults a step.
Measured on 2 cores with AdamW at 224 px, images a second before and after:
tf_efficientnet_lite0 17.6 to 22.5 (batch 16) and 13.3 to 22.3 (batch 32), efficientnet_b0 16.8 to
19.0, resnet18 12.5 to 12.5. The peak memory rose by up to 12%
(efficientnet_b0: 2545 to 2849 MB, one run of each).
"""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_TRIM_NEVER = 2**31 - 1
_LARGEST_KEPT = 1 << 30  # bytes; glibc takes no larger mapping threshold


def keep_freed_memory() -> bool:
    """Tell the C library not to return freed blocks to the kernel. Returns whether it listened:
    other C libraries have no such switch and need none."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    kept = mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
    return bool(kept and mallopt(_M_TRIM_THRESHOLD, _TRIM_NEVER))
