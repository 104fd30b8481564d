"""Twin → an ML program of one function, all fp16: the only caller of coremltools' converter.

`--io tensor`: every input and output is an fp16 array.

`--io image`: frames come and go as 8-bit RGB pixels. Core ML hands colour images over as fp32, so there is one
cast after the input and one before the output; what lies between is fp16, the scale of 1/255 too (as an argument of
`ImageType` it would be a multiplication in fp32). The mask is a half-float grayscale image and needs no cast. How Core
ML rounds brightness to 8 bits is its own affair: the program gives fractions.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from convert.form import Form
from convert.shapes import Shapes, Size
from convert.source import TwinSource
from convert.tracing import output_names, state_input
from mlx_vader.errors import VaderError
from mlx_vader.interface import Interface


def to_model(source: TwinSource, traced: Any, shapes: Shapes, form: Form) -> Any:
    """An `MLModel` of coremltools from a trace. Raises `VaderError` when Core ML cannot express the network."""
    import coremltools as ct

    from convert.lowerings import register

    register()
    interface = source.twin.interface
    try:
        return ct.convert(
            traced,
            inputs=_inputs(interface, shapes, form),
            outputs=_outputs(interface, form),
            states=_states(interface, shapes.default) if form.stateful else None,
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


def _inputs(interface: Interface, shapes: Shapes, form: Form) -> list[Any]:
    import coremltools as ct
    import numpy as np

    tensor = partial(ct.TensorType, dtype=np.float16)
    image = partial(ct.ImageType, color_layout=ct.colorlayout.RGB)
    memory = () if form.stateful else interface.state
    return [
        *(
            (image if form.io == "image" and port.kind == "frames" else tensor)(
                name=port.name, shape=_flexible(port.planes, shapes)
            )
            for port in interface.inputs
        ),
        *(tensor(name=state_input(port.name), shape=_flexible(port.planes, shapes)) for port in memory),
    ]


def _outputs(interface: Interface, form: Form) -> list[Any]:
    import coremltools as ct
    import numpy as np

    layouts = {"frames": ct.colorlayout.RGB, "mask": ct.colorlayout.GRAYSCALE_FLOAT16}
    images = {
        port.name: layouts[port.kind]
        for port in interface.outputs
        if form.io == "image" and port.kind in layouts
    }
    return [
        ct.ImageType(name=name, color_layout=images[name])
        if name in images
        else ct.TensorType(name=name, dtype=np.float16)
        for name in output_names(interface, form)
    ]


def _states(interface: Interface, size: Size) -> list[Any]:
    import coremltools as ct
    import numpy as np

    return [
        ct.StateType(
            wrapped_type=ct.TensorType(shape=(1, *port.planes(*size)), dtype=np.float16), name=port.name
        )
        for port in interface.state
    ]


def _flexible(shape_at: Callable[[int, int], tuple[int, ...]], shapes: Shapes) -> Any:
    """The shapes of an input that is `shape_at(height, width)` at a frame size, batch apart."""
    import coremltools as ct

    default = (1, *shape_at(*shapes.default))
    # The default first: coremltools moves it there for arrays and not for images, and Core ML pairs lists by place.
    sizes = (
        sorted(shapes.sizes, key=lambda size: size != shapes.default)
        if shapes.kind == "enumerated"
        else shapes.sizes
    )
    corners = [(1, *shape_at(*size)) for size in sizes]
    if all(corner == default for corner in corners):
        return ct.Shape(default)
    if shapes.kind == "enumerated":
        return ct.EnumeratedShapes(corners, default=default)
    bounds = [
        low if low == high else ct.RangeDim(low, high, default=middle)
        for low, high, middle in zip(*corners, default, strict=True)
    ]
    return ct.Shape(bounds)
