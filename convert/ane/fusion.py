"""What the engine runs as one: a convolution absorbs bias, per-channel scale, batch norm and one activation.

An operation with two live inputs, such as a residual add, is a barrier: it starts a group of its own. That scale and
activation ride along with an elementwise operation too is inferred from the engine having them behind both.
"""

from dataclasses import dataclass

from convert.ane.graph import Graph, Line

#: Groups that absorb what follows them.
HEADS = frozenset({"conv", "conv_transpose", "linear"})
_ELEMENTWISE = frozenset({"add", "sub", "mul", "maximum", "minimum", "batch_norm"})
_PER_CHANNEL = frozenset({"add", "sub", "mul", "real_div", "batch_norm"})
_ACTIVATIONS = frozenset(
    {
        "relu", "relu6", "leaky_relu", "prelu", "thresholded_relu", "clip", "elu", "silu", "gelu", "sigmoid",
        "sigmoid_hard", "tanh", "scaled_tanh", "softplus", "softsign", "abs", "linear_activation", "clamped_relu",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Lines that run as one; the first one that computes is the head."""

    index: int
    head: Line
    members: tuple[Line, ...]
    #: Between 8-bit activations and with 8-bit weights.
    int8: bool = False

    @property
    def last(self) -> Line:
        """Whose results leave the group."""
        return self.members[-1]


def groups(graph: Graph) -> list[Group]:
    """Every line in exactly one group, in the order in which the groups run."""
    taken: set[int] = set()
    found: list[tuple[Line, tuple[Line, ...], bool]] = []
    wanted = {named.name for named in graph.outputs}
    for line in graph.lines:
        if line.index in taken:
            continue
        members = [line]
        if line.type in HEADS | _ELEMENTWISE:
            members += _absorbed(line, graph, wanted)
        taken |= {member.index for member in members}
        found.append((line, tuple(members), _int8(line, graph)))
    found.sort(key=lambda entry: entry[0].index)
    return [Group(index, *entry) for index, entry in enumerate(found)]


def _absorbed(head: Line, graph: Graph, wanted: set[str]) -> list[Line]:
    """What follows the head and costs nothing: it alone reads the head's result, and nobody else wants that."""
    absorbed: list[Line] = []
    line = head
    while True:
        name = line.writes[0].name
        readers = graph.consumers.get(name, [])
        if len(readers) != 1 or name in wanted:
            return absorbed
        line = graph.lines[readers[0]]
        if len(line.reads) != 1:
            return absorbed
        if line.type in _ACTIVATIONS:
            return [*absorbed, line]
        if line.type not in _PER_CHANNEL or not _per_channel(line, head):
            return absorbed
        absorbed.append(line)


def _per_channel(line: Line, head: Line) -> bool:
    """Whether its constants are a number, or one for each channel."""
    shape = head.result.shape
    channels = shape[-1 if head.type == "linear" else 1] if len(shape) > 1 else 1
    return line.type == "batch_norm" or all(
        weights.type.elements in (1, channels) for weights in line.weights.values()
    )


def _int8(head: Line, graph: Graph) -> bool:
    """Whether both operands come as 8 bits (W8A8): the input from `dequantize`, the weights from int8 constants."""
    weight = head.weights.get("weight")
    if head.type not in HEADS or weight is None or weight.packed not in ("int8", "uint8") or not head.reads:
        return False
    source = graph.producer.get(head.reads[0].name)
    return source is not None and graph.lines[source].type == "dequantize"
