"""Packages made by coremltools, small and quick."""

from pathlib import Path

import numpy as np

from convert.quiet import quiet

with quiet():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813


def of_convolutions(
    folder: Path, count: int, channels: int = 16, side: int = 32, name: str = "chain"
) -> Path:
    """`count` operations: convolutions and activations by turns, and one on the CPU in the middle."""
    kernel = np.zeros((channels, channels, 3, 3), np.float16)

    @mb.program(
        input_specs=[mb.TensorSpec((1, channels, side, side), dtype=ct.converters.mil.mil.types.fp16)],
        opset_version=ct.target.iOS18,
    )
    def program(x):
        for index in range(count // 2):
            x = mb.conv(x=x, weight=kernel, pad_type="same", name=f"conv_{index}")
            x = (
                mb.cumsum(x=x, axis=1, name="middle")
                if index == count // 4
                else mb.relu(x=x, name=f"relu_{index}")
            )
        return x

    return saved(program, folder / f"{name}.mlpackage")


def of_frames(folder: Path, side: int, name: str) -> Path:
    """A restorer of frames with a state as input and output, and a mask."""
    half = ct.converters.mil.mil.types.fp16
    kernel = np.zeros((3, 3, 3, 3), np.float16)

    @mb.program(
        input_specs=[
            mb.TensorSpec((1, 3, side, side), dtype=half),
            mb.TensorSpec((1, 3, side, side), dtype=half),
        ],
        opset_version=ct.target.iOS18,
    )
    def program(frames, memory_in):
        seen = mb.conv(x=frames, weight=kernel, pad_type="same", name="seen")
        return (
            mb.add(x=seen, y=memory_in, name="restored"),
            mb.reduce_max(x=seen, axes=[1], keep_dims=True, name="mask"),
            mb.relu(x=seen, name="memory_out"),
        )

    return saved(program, folder / f"{name}.mlpackage")


def of_sizes(folder: Path, sides: tuple[int, ...]) -> Path:
    """One package with a function for each size, the last one the default."""
    merged = ct.utils.MultiFunctionDescriptor()
    for side in sides:
        merged.add_function(str(of_frames(folder, side, f"at-{side}")), "main", f"size_{side}x{side}")
    merged.default_function_name = f"size_{sides[-1]}x{sides[-1]}"
    path = folder / "sizes.mlpackage"
    with quiet():
        ct.utils.save_multifunction(merged, str(path))
    return path


def of_open_sizes(folder: Path) -> Path:
    """A package that takes every height and width from 32 to 256, 64 unless asked."""
    import torch

    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, 3, 3, padding=1)
    )
    side = ct.RangeDim(32, 256, default=64)
    with quiet():
        model = ct.convert(
            torch.jit.trace(net.eval(), torch.zeros(1, 3, 64, 64)),
            inputs=[ct.TensorType("frames", ct.Shape((1, 3, side, side)), dtype=np.float16)],
            outputs=[ct.TensorType("restored", dtype=np.float16)],
            minimum_deployment_target=ct.target.iOS18,
            skip_model_load=True,
        )
        path = folder / "open.mlpackage"
        model.save(str(path))
    return path


def saved(program, path: Path) -> Path:
    with quiet():
        model = ct.convert(
            program,
            minimum_deployment_target=ct.target.iOS18,
            compute_precision=ct.precision.FLOAT16,
            skip_model_load=True,
            pass_pipeline=ct.PassPipeline.EMPTY,
        )
        model.save(str(path))
    return path
