"""Recurrent layers: x (steps, batch, features) → every step or the last, and the final state."""

from collections.abc import Callable

import torch
from torch import Tensor

from convert.emulator.registry import operation

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "linear": lambda x: x,
    "sigmoid_hard": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "hard_sigmoid": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "scaled_tanh": lambda x: 1.7159 * torch.tanh(2 / 3 * x),
}


def _steps(x: Tensor, direction: str) -> Tensor:
    return x.flip(0) if direction == "reverse" else x


def _sequence(outputs: list[Tensor], output_sequence: bool) -> Tensor:
    return torch.stack(outputs) if output_sequence else outputs[-1][None]


@operation("rnn")
def rnn(
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    activation: str = "tanh",
) -> tuple[Tensor, Tensor]:
    h, outputs = initial_h, []
    for step in _steps(x, direction):
        total = step @ weight_ih.T + h @ weight_hh.T
        h = _ACTIVATIONS[activation](total if bias is None else total + bias)
        outputs.append(h)
    return _sequence(outputs, output_sequence), h


@operation("gru")
def gru(
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
    reset_after: bool = False,
    input_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Weights in the order reset, output, update. `reset_after`: the gate multiplies W_ho h + b_ho (as in PyTorch)
    and not h.
    """
    size = initial_h.shape[-1]
    bias = torch.zeros(3 * size) if bias is None else bias
    gate, squash = _ACTIVATIONS[recurrent_activation], _ACTIVATIONS[activation]
    (h_reset, h_output, h_update), (b_reset, b_output, b_update) = weight_hh.split(size), bias.split(size)
    h, outputs = initial_h, []
    for step in _steps(x, direction):
        given = step @ weight_ih.T if input_bias is None else step @ weight_ih.T + input_bias
        x_reset, x_output, x_update = given.split(size, -1)
        reset = gate(x_reset + h @ h_reset.T + b_reset)
        update = gate(x_update + h @ h_update.T + b_update)
        remembered = (
            reset * (h @ h_output.T + b_output) if reset_after else (reset * h) @ h_output.T + b_output
        )
        h = (1 - update) * squash(x_output + remembered) + update * h
        outputs.append(h)
    return _sequence(outputs, output_sequence), h


@operation("lstm")
def lstm(
    x: Tensor,
    initial_h: Tensor,
    initial_c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    peephole: Tensor | None = None,
    weight_ih_back: Tensor | None = None,
    weight_hh_back: Tensor | None = None,
    bias_back: Tensor | None = None,
    peephole_back: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    activation: str = "tanh",
    clip: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights in the order input, forget, output, cell. Both directions: states side by side, forward first."""
    chosen = [_ACTIVATIONS[name.lower()] for name in (recurrent_activation, cell_activation, activation)]
    if direction != "bidirectional":
        outputs, h, c = _lstm(
            _steps(x, direction), initial_h, initial_c, (weight_ih, weight_hh, bias, peephole), chosen, clip
        )
        return _sequence(outputs, output_sequence), h, c
    size = weight_hh.shape[1]
    (h_there, h_back), (c_there, c_back) = initial_h.split(size, -1), initial_c.split(size, -1)
    there, h, c = _lstm(x, h_there, c_there, (weight_ih, weight_hh, bias, peephole), chosen, clip)
    weights = (weight_ih_back, weight_hh_back, bias_back, peephole_back)
    back, h_last, c_last = _lstm(x.flip(0), h_back, c_back, weights, chosen, clip)
    final = torch.cat([h, h_last], -1), torch.cat([c, c_last], -1)
    both = torch.cat([torch.stack(there), torch.stack(back[::-1])], -1)
    return both if output_sequence else final[0][None], *final


def _lstm(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    weights: tuple[Tensor | None, ...],
    activations: list[Callable[[Tensor], Tensor]],
    clip: float | None,
) -> tuple[list[Tensor], Tensor, Tensor]:
    """One direction: the hidden state of every step, the last one, the last cell."""
    weight_ih, weight_hh, bias, peephole = weights
    assert weight_ih is not None
    assert weight_hh is not None
    gate, cell, squash = activations
    peek = (0.0, 0.0, 0.0) if peephole is None else peephole.chunk(3)
    outputs = []
    for step in x:
        total = step @ weight_ih.T + h @ weight_hh.T
        i, f, o, z = (total if bias is None else total + bias).chunk(4, -1)
        fresh = cell(z) if clip is None else cell(z).clamp(-clip, clip)
        c = gate(f + c * peek[1]) * c + gate(i + c * peek[0]) * fresh
        h = gate(o + c * peek[2]) * squash(c)
        outputs.append(h)
    return outputs, h, c
