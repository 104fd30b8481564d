"""Feature maps that reuse memory on Linux.

glibc gives freed blocks of megabytes back to the system at once and takes the next one from it page by page. A network
frees and takes such a block with every operation: at 256x256 that was half of PyTorch's time.
"""

import ctypes
import os

#: mallopt's names for what glibc keeps, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Free bytes that are kept, and the size of blocks that come from the system one by one.
KEPT = 1 << 30


def keep_freed_blocks() -> bool:
    """Tells glibc to keep what is freed, for this process; whether it did.

    It does nothing where there is no glibc, nor where the environment says what `malloc` should do.
    """
    told = [name for name in os.environ if name.startswith("MALLOC_") and name.endswith("_")]
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if told or "GLIBC_TUNABLES" in os.environ or mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, KEPT)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))
