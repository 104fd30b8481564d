"""What to do about the costliest lines: the design rules, applied."""

from convert.ane.report import Advice, FunctionReport, OperationReport

#: Channels from which dense convolutions come near the peak, and those that are worth aiming at.
_ENOUGH, _AIM = 64, 128


def advise(report: FunctionReport, count: int = 5) -> tuple[Advice, ...]:
    """What to do about the costliest lines; those with the same way to less are named together."""
    together: dict[str, list[OperationReport]] = {}
    for operation in report.costliest(None):
        if operation.ms > 0:
            together.setdefault(_text(operation), []).append(operation)
    found = [
        Advice(
            tuple(operation.name for operation in operations),
            tuple(dict.fromkeys(operation.type for operation in operations)),
            (ms := sum(operation.ms for operation in operations)),
            ms / report.latency,
            text,
        )
        for text, operations in together.items()
    ]
    return tuple(sorted(found, key=lambda advice: -advice.ms)[:count])


def notes_on(report: FunctionReport, flexible: bool) -> tuple[str, ...]:
    """What else a reader has to know about the prediction."""
    notes = []
    if flexible:
        notes.append(
            "the package takes several sizes: only the default one is known to run on the Neural Engine "
            "(coremltools #2370, #2730); a function for each size is the safe form"
        )
    if any(operation.type in ("while_loop", "cond") for operation in report.operations):
        notes.append("bodies of loops and both branches of conditions are counted once")
    if report.int8:
        notes.append(
            "convolutions of 8-bit weights and activations are counted at the chip's int8 rate, which one "
            "source alone has measured"
        )
    if converted := [edge.name for edge in report.edges if edge.converted]:
        notes.append(
            f"the CPU converts {', '.join(converted)}: fp16 arrays, which `convert --io tensor` makes, spare that"
        )
    if not any(operation.unit == "ANE" for operation in report.operations):
        notes.append("nothing is predicted to run on the Neural Engine")
    return tuple(notes)


def _text(operation: OperationReport) -> str:
    if operation.rule == "planner":
        return "Too little work to pay for the way to the engine and back: leave it, or do more between two switches."
    if operation.unit == "CPU":
        return f"{operation.why}. {operation.advice}".strip()
    if operation.bound == "spill":
        return "It waits for an operand in memory, or writes one there: keep long skips and states thin."
    if operation.family in ("dense", "grouped", "thin"):
        return _convolution(operation)
    if operation.family == "depthwise":
        return "Depthwise is a pass over memory: a dense 3x3 of as many channels costs little more and does far more."
    if operation.family == "elementwise":
        return "A pass over memory: let a convolution absorb it, or add once for every two or three convolutions."
    return operation.advice or "A pass over memory: work at fewer pixels, or leave it out."


def _convolution(operation: OperationReport) -> str:
    if operation.family == "grouped" and operation.advice:
        return operation.advice
    if operation.bound == "weights":
        return "The stream of weights takes longest: palettise them to 4 or 6 bits."
    if operation.bound == "traffic":
        return "Moving the activations takes longest: unshuffle and widen, so that more work is done for each byte."
    channels = operation.shape[1] or 1 if len(operation.shape) > 1 else 1
    if channels % 16:
        return f"{channels} channels are computed as {-(-channels // 16) * 16}: use a multiple of 16."
    if channels < _ENOUGH:
        return f"{channels} channels leave the array idle: unshuffle the input and work at 64 to {_AIM}."
    return "Bound by arithmetic, as it should be: fewer channels, pixels or layers are the only way to less."
