"""Packages made as somebody else would: coremltools alone, from a traced module."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from convert.quiet import quiet

with quiet():
    import coremltools as ct


def save(
    module: nn.Module,
    examples: Sequence[torch.Tensor],
    path: Path,
    *,
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[Any] | None = None,
    half: bool = True,
    target: str = "iOS18",
    **options: Any,
) -> Path:
    """Traces, converts and saves. Inputs are x0, x1 …, outputs y0, y1 …, in single precision at the edge."""
    module.eval()
    with quiet(), torch.no_grad():
        traced = torch.jit.trace(module, tuple(examples), check_trace=False)
        made = module(*examples)
        count = len(made) if isinstance(made, tuple | list) else 1
        ct.convert(
            traced,
            inputs=inputs or [ct.TensorType(f"x{at}", tuple(x.shape)) for at, x in enumerate(examples)],
            outputs=outputs or [ct.TensorType(f"y{at}") for at in range(count)],
            compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
            minimum_deployment_target=getattr(ct.target, target),
            skip_model_load=True,
            **options,
        ).save(str(path))
    return path


class Stranger(nn.Module):
    """Twice the size: convolution, silu, pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.pixel_shuffle(functional.silu(self.conv(x)), 2)


def by_hand(x: Any) -> np.ndarray:
    """What a `Stranger` gives."""
    with torch.no_grad():
        result: np.ndarray = Stranger()(torch.as_tensor(x)).numpy()
    return result
