"""All that can be compared on this machine, and by what names."""

from collections.abc import Iterable, Sequence

from mlx_vader.errors import UsageError, choices
from mlx_vader.evaluation import ffmpeg_filters, ffmpeg_program, opencv
from mlx_vader.evaluation.method import NOTHING, Method
from mlx_vader.evaluation.networks import INPAINT, MEMBRANE, TYPED, WITH_MASK


def find_methods(
    networks: Sequence[Method], wanted: Iterable[str] = ()
) -> tuple[tuple[Method, ...], dict[str, str]]:
    """Nothing, ours, and every baseline that works here; and why others do not, by name.

    `wanted`: these methods alone, besides nothing. A name stands for all that begin with its words: `bm3d` for
    `bm3d sigma=50`. Raises UsageError for a name that no method has.
    """
    filters, unknown = ffmpeg_filters.methods()
    program, absent = ffmpeg_program.methods()
    methods, missing = (
        (NOTHING, *networks, TYPED, WITH_MASK, INPAINT, MEMBRANE, *opencv.METHODS, *filters, *program),
        unknown | absent,
    )
    names = [name.strip() for name in wanted]
    if not names:
        return methods, missing
    chosen = {NOTHING.name: NOTHING}
    for name in names:
        found = {method.name: method for method in methods if f"{method.name} ".startswith(f"{name} ")}
        if not found and name in missing:
            raise UsageError(f"the method {name} does not work here", hint=missing[name])
        if not found:
            raise UsageError(
                f"there is no method {name!r}", hint=choices(name, (method.name for method in methods))
            )
        chosen |= found
    return tuple(chosen.values()), {}
