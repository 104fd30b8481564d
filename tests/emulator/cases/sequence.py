"""Recurrent layers, lists, branches, loops, boxes."""

import numpy as np
import torch

from tests.emulator.cases.case import Case, mb, normal

T = torch.tensor
STEPS, BATCH, SIZE, HIDDEN = 4, 2, 3, 5
X, H, C = normal(STEPS, BATCH, SIZE), normal(BATCH, HIDDEN), normal(BATCH, HIDDEN)


def ordered(weight, order):
    """PyTorch's gates in another order."""
    gates = weight.chunk(len(order))
    return torch.cat([gates[at] for at in order]).detach().numpy()


def run_torch(layer, x, *state, reverse=False):
    """(every step, last state…) as MIL gives them: backwards in the order of computation."""
    given = x.flip(0) if reverse else x
    with torch.no_grad():
        out, last = layer(given, tuple(s[None] for s in state) if len(state) > 1 else state[0][None])
    return (out, *(value[0] for value in (last if isinstance(last, tuple) else (last,))))


def gru_case(direction):
    """iOS 18 with `reset_after` is PyTorch's."""
    layer = torch.nn.GRU(SIZE, HIDDEN)
    order = (0, 2, 1)

    def build(x, h):
        return mb.gru(
            x=x,
            initial_h=h,
            weight_ih=ordered(layer.weight_ih_l0, order),
            weight_hh=ordered(layer.weight_hh_l0, order),
            input_bias=ordered(layer.bias_ih_l0, order),
            bias=ordered(layer.bias_hh_l0, order),
            reset_after=True,
            output_sequence=True,
            direction=direction,
        )

    return Case(
        "gru", (X, H), build, lambda x, h: run_torch(layer, x, h, reverse=direction == "reverse"), "iOS18"
    )


def gru_before():
    """As coremltools' own test computes it: the gate multiplies the state."""
    weight_ih, weight_hh, bias = normal(3 * HIDDEN, SIZE), normal(3 * HIDDEN, HIDDEN), normal(3 * HIDDEN)

    def expected(x, h):
        (w_r, w_o, w_z), (r_r, r_o, r_z), (b_r, b_o, b_z) = (
            T(each).chunk(3) for each in (weight_ih, weight_hh, bias)
        )
        for step in x:
            z = torch.sigmoid(step @ w_z.T + h @ r_z.T + b_z)
            r = torch.sigmoid(step @ w_r.T + h @ r_r.T + b_r)
            o = torch.tanh(step @ w_o.T + (h * r) @ r_o.T + b_o)
            h = (1 - z) * o + z * h
        return h[None], h

    return Case(
        "gru",
        (X, H),
        lambda x, h: mb.gru(x=x, initial_h=h, weight_ih=weight_ih, weight_hh=weight_hh, bias=bias),
        expected,
    )


def lstm_case(direction):
    layer = torch.nn.LSTM(SIZE, HIDDEN)
    order = (0, 1, 3, 2)

    def build(x, h, c):
        return mb.lstm(
            x=x,
            initial_h=h,
            initial_c=c,
            weight_ih=ordered(layer.weight_ih_l0, order),
            weight_hh=ordered(layer.weight_hh_l0, order),
            bias=ordered(layer.bias_ih_l0 + layer.bias_hh_l0, order),
            output_sequence=True,
            direction=direction,
        )

    return Case(
        "lstm", (X, H, C), build, lambda x, h, c: run_torch(layer, x, h, c, reverse=direction == "reverse")
    )


def lstm_both():
    layer = torch.nn.LSTM(SIZE, HIDDEN, bidirectional=True)
    order = (0, 1, 3, 2)
    weights = {
        f"{name}{'_back' if suffix else ''}": ordered(getattr(layer, f"{name}_l0{suffix}"), order)
        for name in ("weight_ih", "weight_hh")
        for suffix in ("", "_reverse")
    }
    for suffix in ("", "_reverse"):
        both = getattr(layer, f"bias_ih_l0{suffix}") + getattr(layer, f"bias_hh_l0{suffix}")
        weights[f"bias{'_back' if suffix else ''}"] = ordered(both, order)

    def expected(x, h, c):
        with torch.no_grad():
            state = [torch.stack(value.chunk(2, -1)) for value in (h, c)]
            out, (h, c) = layer(x, tuple(state))
        return out, torch.cat(list(h), -1), torch.cat(list(c), -1)

    return Case(
        "lstm",
        (X, normal(BATCH, 2 * HIDDEN), normal(BATCH, 2 * HIDDEN)),
        lambda x, h, c: mb.lstm(
            x=x, initial_h=h, initial_c=c, output_sequence=True, direction="bidirectional", **weights
        ),
        expected,
    )


def rnn_case(activation):
    layer = torch.nn.RNN(SIZE, HIDDEN, nonlinearity=activation)
    bias = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().numpy()
    return Case(
        "rnn",
        (X, H),
        lambda x, h: mb.rnn(
            x=x,
            initial_h=h,
            weight_ih=layer.weight_ih_l0.detach().numpy(),
            weight_hh=layer.weight_hh_l0.detach().numpy(),
            bias=bias,
            activation=activation,
        ),
        lambda x, h: (run_torch(layer, x, h)[0][-1:], run_torch(layer, x, h)[1]),
    )


LAYERS = [
    *(gru_case(direction) for direction in ("forward", "reverse")),
    gru_before(),
    *(lstm_case(direction) for direction in ("forward", "reverse")),
    lstm_both(),
    *(rnn_case(activation) for activation in ("tanh", "relu")),
]


def new_list(rows):
    return mb.make_list(init_length=rows, elem_shape=[3], dynamic_length=False)


def written():
    """Two rows are written, one is read."""

    def build(x, y):
        rows = mb.list_write(ls=new_list(2), index=0, value=x)
        rows = mb.list_write(ls=rows, index=1, value=y)
        return mb.list_read(ls=rows, index=1), mb.list_gather(ls=rows, indices=[1, 0])

    return [
        Case(name, (normal(3), normal(3)), build, lambda x, y: (y, torch.stack([y, x])))
        for name in ("make_list", "list_write", "list_read", "list_gather")
    ]


def spread():
    def build(x):
        rows = mb.list_scatter(ls=new_list(3), indices=[2, 0], value=x)
        return mb.list_gather(ls=rows, indices=[0, 2])

    def length(x):
        rows = mb.list_scatter(ls=new_list(3), indices=[2, 0], value=x)
        return mb.expand_dims(x=mb.list_length(ls=rows), axes=[0])

    return [
        Case("list_scatter", (normal(2, 3),), build, lambda x: x.flip(0)),
        Case("list_length", (normal(2, 3),), length, lambda x: T([3], dtype=torch.int32)),
    ]


def branch(sign):
    """The sum decides; both branches read values from outside, and constants."""
    value = np.abs(normal(4)) * sign

    def build(x):
        doubled = mb.mul(x=x, y=np.float32(2))
        positive = mb.greater(x=mb.reduce_sum(x=x), y=np.float32(0))
        return mb.cond(
            pred=positive,
            _true_fn=lambda: mb.add(x=doubled, y=np.float32(1)),
            _false_fn=lambda: mb.sub(x=doubled, y=x),
        )

    return Case("cond", (value,), build, lambda x: 2 * x + 1 if x.sum() > 0 else x)


def loop():
    """Until the sum of squares passes 100: doubles, and counts."""

    def build(x):
        def more(value, count):
            return mb.less(x=mb.reduce_sum_square(x=value), y=np.float32(100))

        def body(value, count):
            return mb.add(x=mb.mul(x=value, y=np.float32(2)), y=mb.mul(x=x, y=np.float32(0))), mb.add(
                x=count, y=np.float32(1)
            )

        return mb.while_loop(_cond=more, _body=body, loop_vars=(x, np.float32([0])))

    def expected(x):
        count = 0
        while (x**2).sum() < 100:
            x, count = 2 * x, count + 1
        return x, T([float(count)])

    return Case("while_loop", (normal(4),), build, expected)


#: Two pairs that overlap by half and more, and one box alone. Scores of two classes.
BOXES = np.float32([[1, 1, 2, 2], [1.2, 1, 2, 2], [5, 5, 2, 2], [5, 5.3, 2, 2], [9, 9, 1, 1]])[None]
SCORES = np.float32([[0.9, 0], [0, 0.8], [0.3, 0], [0.7, 0.1], [0, 0.05]])[None]


def suppression(kept, opset="iOS15", **attributes):
    """`kept`: indices of the boxes that stay, the best first."""
    late = opset == "iOS17"
    order = (0, 2, 1) if late else (0, 1, 2)

    def build(boxes, scores):
        return mb.non_maximum_suppression(
            boxes=boxes, scores=scores, iou_threshold=np.float32(0.3), max_boxes=4, **attributes
        )

    def expected(boxes, scores):
        missing = 4 - len(kept)
        filled = [
            torch.nn.functional.pad(value.permute(order)[:, kept], (0, 0, 0, missing)).permute(order)
            for value in (boxes, scores)
        ]
        indices = T([[*kept, *[-1] * missing]], dtype=torch.int32)
        return (*filled, indices) if late else (*filled, indices, T([len(kept)], dtype=torch.int32))

    inputs = (BOXES.transpose(order).copy(), SCORES.transpose(order).copy())
    return Case("non_maximum_suppression", inputs, build, expected, opset)


SUPPRESSIONS = [
    suppression([0, 3], score_threshold=np.float32(0.2)),
    suppression([0, 1, 3], score_threshold=np.float32(0.2), per_class_suppression=True),
    suppression([0], score_threshold=np.float32(2)),
    suppression([0, 3, 4], "iOS17"),
]

CASES = [*SUPPRESSIONS, *LAYERS, *written(), *spread(), branch(1), branch(-1), loop()]
