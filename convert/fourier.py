"""Fourier transforms over height and width as products with constant matrices: Core ML has no FFT.

`torch.fft.rfft2` and `irfft2`, and `rfftn` and `irfftn` over the last two axes, for sizes that are fixed. coremltools
9.0 has no lowering of the first two, and those of the others compute their matrices from sizes that it cannot fold.
What networks do with the complex values in between (`real`, `imag`, `view_as_real`, `complex`) coremltools lowers
itself; `view_as_complex` is added here.

A transform is separable, so each axis has a matrix, with the cosines and sines of the real and imaginary parts stacked
in one product: two `matmul` for a transform. Costs at (h, w), multiply-adds a channel: h·w·(w + 2) + 4·h²·(w/2 + 1).

Half precision: each matrix holds its axis' share of the normalisation (1/√h and 1/√w of "ortho"; 1/h and 1/w of a
scaled direction), so no sum grows beyond what the result needs. The result itself can: the constant term of an
unscaled transform is the sum of all values, and 65504 is the largest number. Networks for the Neural Engine should
transform with norm="ortho", as LaMa does (its constant term is √(h·w) times the mean).
Source of the mathematics: `torch.fft`; of the network it is for: LaMa, arXiv 2109.07161.
"""

from typing import Any

import numpy as np
from jaxtyping import Float32

from mlx_vader.errors import VaderError

Matrix = Float32[np.ndarray, "_ _"]


def forward_matrices(height: int, width: int, norm: str) -> tuple[Matrix, Matrix]:
    """(2h, 2h) and (w, 2k), k = w//2 + 1, such that R @ stack(x @ C) is stack(rfft2(x)).

    Columns of C are the cosines, then the sines, so that x @ C holds real and imaginary parts side by side; stacked
    one above the other they are what R multiplies, and what it gives.
    """
    phase = _phase(width)[:, : width // 2 + 1]
    columns = np.concatenate([np.cos(phase), -np.sin(phase)], axis=1)
    rows = _rows(height, -1) * _scale(norm, "forward", height)
    return rows.astype(np.float32), (columns * _scale(norm, "forward", width)).astype(np.float32)


def inverse_matrices(height: int, width: int, norm: str) -> tuple[Matrix, Matrix]:
    """(2h, 2h) and (2k, w), k = w//2 + 1, such that side_by_side(R @ stack(z)) @ C is irfft2(z)."""
    phase = _phase(width)[: width // 2 + 1]
    # Each frequency but the constant one, and the highest of an even width, stands for its mirror image too.
    times = np.full((width // 2 + 1, 1), 2.0)
    times[0] = 1
    if width % 2 == 0:
        times[-1] = 1
    columns = np.concatenate([times * np.cos(phase), -times * np.sin(phase)])
    rows = _rows(height, 1) * _scale(norm, "backward", height)
    return rows.astype(np.float32), (columns * _scale(norm, "backward", width)).astype(np.float32)


def _phase(size: int) -> np.ndarray:
    """2π·j·k/n, reduced so that the sine of a multiple of π is 0."""
    return 2 * np.pi / size * (np.outer(np.arange(size), np.arange(size)) % size)


def _rows(height: int, sign: int) -> np.ndarray:
    """exp(sign·i·φ) along the height, for real parts above imaginary ones."""
    phase = _phase(height)
    cosine, sine = np.cos(phase), sign * np.sin(phase)
    return np.block([[cosine, -sine], [sine, cosine]])


def _scale(norm: str, direction: str, size: int) -> float:
    return size**-0.5 if norm == "ortho" else 1 / size if norm == direction else 1.0


def register() -> None:
    """Tells coremltools. May be called again."""
    from coremltools.converters.mil import Builder as mb  # noqa: N813 - its name in every coremltools source
    from coremltools.converters.mil import register_torch_op
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs

    @register_torch_op(torch_alias=["fft_rfftn"], override=True)
    def fft_rfft2(context, node) -> None:  # noqa: ANN001 - coremltools' own types
        x, sizes, axes, norm = _get_inputs(context, node, expected=4)
        height, width = _fixed(x.shape, axes)
        _refuse_other_sizes(sizes, (height, width))
        rows, columns = forward_matrices(height, width, _norm(norm))
        parts = mb.split(x=mb.matmul(x=x, y=columns), num_splits=2, axis=-1)
        product = mb.matmul(x=rows, y=mb.concat(values=parts, axis=-2))
        real, imaginary = mb.split(x=product, num_splits=2, axis=-2)
        context.add(mb.complex(real_data=real, imag_data=imaginary), node.name)

    @register_torch_op(torch_alias=["fft_irfftn"], override=True)
    def fft_irfft2(context, node) -> None:  # noqa: ANN001
        x, sizes, axes, norm = _get_inputs(context, node, expected=4)
        height, frequencies = _fixed(x.shape, axes)
        width = 2 * (frequencies - 1) if sizes is None else _numbers(sizes)[1]
        if width // 2 + 1 != frequencies:
            raise _another_size()
        _refuse_other_sizes(sizes, (height, width))
        rows, columns = inverse_matrices(height, width, _norm(norm))
        parts = mb.concat(values=[mb.complex_real(data=x), mb.complex_imag(data=x)], axis=-2)
        product = mb.split(x=mb.matmul(x=rows, y=parts), num_splits=2, axis=-2)
        side_by_side = mb.concat(values=product, axis=-1)
        context.add(mb.matmul(x=side_by_side, y=columns, name=node.name))

    @register_torch_op(override=True)
    def view_as_complex(context, node) -> None:  # noqa: ANN001
        (x,) = _get_inputs(context, node, expected=1)
        parts = mb.split(x=x, num_splits=2, axis=-1)
        real, imaginary = (mb.squeeze(x=part, axes=[-1]) for part in parts)
        context.add(mb.complex(real_data=real, imag_data=imaginary), node.name)


def _fixed(shape: tuple[Any, ...], axes: Any) -> tuple[int, int]:
    """The last two sizes. Raises `VaderError` when they are flexible or others are transformed."""
    rank = len(shape)
    wanted = [-2, -1] if axes is None and rank == 2 else [] if axes is None else _numbers(axes)
    if [axis % rank for axis in wanted] != [rank - 2, rank - 1]:
        raise VaderError(
            "only Fourier transforms over height and width can be converted",
            hint="transform over dim=(-2, -1)",
        )
    if not all(isinstance(size, int | np.integer) for size in shape[-2:]):
        raise VaderError(
            "a network with Fourier transforms has no flexible sizes in Core ML",
            hint="give one size, for example --shapes 512, or several with --stateful",
        )
    return int(shape[-2]), int(shape[-1])


def _numbers(value: Any) -> list[int]:
    """The numbers of a list of coremltools' constants, or of one constant."""
    if isinstance(value, list | tuple):
        return [int(item.val if hasattr(item, "val") else item) for item in value]
    return [int(number) for number in np.atleast_1d(value.val)]


def _refuse_other_sizes(sizes: Any, own: tuple[int, int]) -> None:
    if sizes is not None and tuple(_numbers(sizes)) != own:
        raise _another_size()


def _another_size() -> VaderError:
    return VaderError(
        "a Fourier transform that crops or pads cannot be converted", hint="crop or pad apart from it"
    )


def _norm(norm: Any) -> str:
    return "backward" if norm is None or norm.val is None else str(norm.val)
