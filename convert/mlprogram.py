"""Twin → an ML program of one function, all fp16: the only caller of coremltools' converter.

`--io tensor`: every input and output is an fp16 array.

`--io image`: the frame comes and goes as 8-bit RGB pixels. Core ML hands colour images over as fp32, so there is one
cast after the input and one before the output; what lies between is fp16, the scale of 1/255 too (as an argument of
`ImageType` it would be a multiplication in fp32). The mask is a half-float grayscale image and needs no cast. How Core
ML rounds brightness to 8 bits is its own affair: the program gives fractions.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from convert.form import Form
from convert.shapes import Shapes, Size
from convert.source import Source
from convert.tracing import FRAMES, HINT, MASK, RESTORED
from mlx_vader.errors import VaderError

if TYPE_CHECKING:
    from torch_ref.models.base import Network as TorchNetwork


def to_model(source: Source, traced: Any, outputs: tuple[str, ...], shapes: Shapes, form: Form) -> Any:
    """An `MLModel` of coremltools. Raises `VaderError` when Core ML cannot express the network."""
    import coremltools as ct

    from convert.lowerings import register

    register()
    try:
        return ct.convert(
            traced,
            inputs=_inputs(source.twin, shapes, form),
            outputs=[_output(name, form) for name in outputs],
            states=_states(source.twin, shapes.default) if form.stateful else None,
            convert_to="mlprogram",
            minimum_deployment_target=getattr(ct.target, form.target),
            compute_precision=ct.precision.FLOAT16,
            pass_pipeline=_passes(),
            skip_model_load=True,
        )
    except VaderError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise VaderError(
            f"coremltools cannot convert {source.network}: {reason}",
            hint="run again with --debug for the operation",
        ) from error


def _passes() -> Any:
    """All passes of coremltools but one.

    That one moves the writing of a state up to where its new value is known, which may be before the old one is read.
    """
    import coremltools as ct

    passes = ct.PassPipeline.DEFAULT
    passes.remove_passes({"common::canonicalize_inplace_pattern"})
    return passes


def _inputs(twin: "TorchNetwork", shapes: Shapes, form: Form) -> list[Any]:
    import coremltools as ct
    import numpy as np

    tensor = partial(ct.TensorType, dtype=np.float16)
    image = partial(ct.ImageType, color_layout=ct.colorlayout.RGB)
    frames = _flexible(lambda size: (3, *size), shapes)
    names = () if form.stateful else twin.state_spec(*shapes.default)
    others = {HINT: _flexible(lambda size: (1, *size), shapes)} if twin.takes_hint else {}
    others |= {f"{name}_in": _flexible(partial(_state_shape, twin, name), shapes) for name in names}
    return [
        (image if form.io == "image" else tensor)(name=FRAMES, shape=frames),
        *(tensor(name=name, shape=shape) for name, shape in others.items()),
    ]


def _output(name: str, form: Form) -> Any:
    import coremltools as ct
    import numpy as np

    layouts = {RESTORED: ct.colorlayout.RGB, MASK: ct.colorlayout.GRAYSCALE_FLOAT16}
    if form.io == "image" and name in layouts:
        return ct.ImageType(name=name, color_layout=layouts[name])
    return ct.TensorType(name=name, dtype=np.float16)


def _states(twin: "TorchNetwork", size: Size) -> list[Any]:
    import coremltools as ct
    import numpy as np

    return [
        ct.StateType(wrapped_type=ct.TensorType(shape=(1, *shape), dtype=np.float16), name=name)
        for name, shape in twin.state_spec(*size).items()
    ]


def _state_shape(twin: "TorchNetwork", name: str, size: Size) -> tuple[int, ...]:
    return twin.state_spec(*size)[name]


def _flexible(shape_at: Callable[[Size], tuple[int, ...]], shapes: Shapes) -> Any:
    """The shapes of an input that is `shape_at(size)` at a frame size, batch apart."""
    import coremltools as ct

    default = (1, *shape_at(shapes.default))
    corners = [(1, *shape_at(size)) for size in shapes.sizes]
    if all(corner == default for corner in corners):
        return ct.Shape(default)
    if shapes.kind == "enumerated":
        return ct.EnumeratedShapes(corners, default=default)
    bounds = [
        low if low == high else ct.RangeDim(low, high, default=middle)
        for low, high, middle in zip(*corners, default, strict=True)
    ]
    return ct.Shape(bounds)
