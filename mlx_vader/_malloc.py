"""Feature maps that reuse memory on Linux.

glibc gives freed blocks of megabytes back to the system at once and takes the next one from it page by page. A network
frees and takes such a block with every operation: at 256x256 that was half of PyTorch's time.
"""

import ctypes
import os

#: mallopt's names for what glibc keeps, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
#: Free bytes that are kept, and the size of blocks that come from the system one by one.
KEPT = 1 << 30
#: The same where memory is to be given back.
GIVEN_BACK = 1 << 20


def keep_freed_blocks(*, everything: bool = False) -> bool:
    """Tells glibc to keep what is freed, for this process; whether it did.

    `everything`: blocks of any size, in one arena, for a process that takes the same sizes over and over.
    It does nothing where there is no glibc, nor where the environment says what `malloc` should do.
    """
    if everything:
        return _told([(_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1)])
    return _told([(_MMAP_THRESHOLD, KEPT), (_TRIM_THRESHOLD, KEPT)])


def give_back_freed_blocks() -> bool:
    """Tells glibc to give back what is freed, for frames so large that what is kept would double the memory."""
    return _told([(_MMAP_THRESHOLD, GIVEN_BACK), (_TRIM_THRESHOLD, GIVEN_BACK)])


def _told(settings: list[tuple[int, int]]) -> bool:
    told = [name for name in os.environ if name.startswith("MALLOC_") and name.endswith("_")]
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if told or "GLIBC_TUNABLES" in os.environ or mallopt is None:
        return False
    return sum(mallopt(parameter, value) for parameter, value in settings) == len(settings)
