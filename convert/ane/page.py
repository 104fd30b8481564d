"""An inspection as one self-contained page: totals, a timeline, advice, every operation. Light and dark."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from convert.ane.costs import families
from convert.ane.report import FunctionReport, Inspection, OperationReport

_WIDTH, _LANE, _GAP, _TOP = 1160.0, 46.0, 8.0, 22.0
_LANES = ("ANE", "GPU", "CPU")


def page(found: Sequence[Inspection]) -> str:
    """HTML of the first inspection, beside the totals of the others. Loads nothing from elsewhere."""
    first = found[0]
    title = f"{Path(first.package).name}, predicted for {first.chip.name}"
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    kind = f"Predicted from published measurements, not measured. Chip: {first.chip.note}."
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=dim>{escape(kind)}</p>",
        *(f"<p><b>{escape(str(refusal))}.</b> {escape(refusal.advice)}.</p>" for refusal in first.refusals),
        *([_comparison(found)] if len(found) > 1 else []),
        *(_function(function, function is first.main) for function in _ordered(first)),
        _sources(first),
    ]
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _ordered(found: Inspection) -> list[FunctionReport]:
    """The default function first."""
    return sorted(found.functions, key=lambda function: function is not found.main)


def _function(function: FunctionReport, opened: bool) -> str:
    heading = escape(f"{function.name} {function.frame}".strip())
    notes = "".join(f"<p><b>Note:</b> {escape(note)}.</p>" for note in function.notes)
    body = (
        _tiles(function)
        + notes
        + f"<h2>Timeline of one call</h2>{_legend(function)}<figure>{timeline(function)}"
        "<figcaption>Predicted, one operation after the other; hover for what it is.</figcaption></figure>"
        + f"<h2>What would help most</h2>{_advice(function)}"
        + f"<h2>Operations</h2>{_table(function)}"
    )
    return f"<details{' open' if opened else ''}><summary><b>{heading}</b></summary>{body}</details>"


def _tiles(function: FunctionReport) -> str:
    besides = function.floor + function.switching + sum(edge.ms for edge in function.edges)
    tiles = {
        "latency, predicted": (f"{function.latency:.3g} ms", f"{function.low:.3g} to {function.high:.3g} ms"),
        "frames a second, predicted": (
            f"{function.fps:.3g}",
            f"{1e3 / function.high:.3g} to {1e3 / function.low:.3g}",
        ),
        "arithmetic": (f"{function.macs / 1e9:.3g} GMAC", f"{len(function.operations)} operations"),
        "weights": (f"{function.weights_bytes / 2**20:.3g} MiB", "as stored"),
        "activations": (f"{function.peak_activation_bytes / 2**20:.3g} MiB", "at the peak"),
        "on the Neural Engine": (f"{function.ane_share:.0%}", f"switches between units: {function.switches}"),
        "besides operations": (f"{besides:.3g} ms", "call, inputs, outputs, switches"),
    }
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile"><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(more)}</span></div>'
            for name, (value, more) in tiles.items()
        )
        + "</div>"
    )


def _legend(function: FunctionReport) -> str:
    times: dict[str, float] = {}
    for operation in function.operations:
        times[operation.family] = times.get(operation.family, 0.0) + operation.ms
    entries = sorted((item for item in times.items() if item[1]), key=lambda item: -item[1])
    return (
        '<div class="legend">'
        + "".join(
            f'<span><i style="background:var(--{name})"></i>{escape(families()[name].label)} {ms:.3g} ms</span>'
            for name, ms in entries
        )
        + "</div>"
    )


def timeline(function: FunctionReport) -> str:
    """SVG: a lane for each unit, a bar for each operation that takes time, as long as it takes."""
    lanes = [
        unit for unit in _LANES if unit == "ANE" or any(item.unit == unit for item in function.operations)
    ]
    height = _TOP + len(lanes) * (_LANE + _GAP) + 4
    whole = sum(operation.ms for operation in function.operations) or 1.0
    left = 40.0
    scale = (_WIDTH - left) / whole
    parts = [
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="Timeline of predicted times">'
    ]
    parts += _axis(whole, left, scale, height)
    for row, unit in enumerate(lanes):
        parts.append(f'<text x="0" y="{_y(row) + _LANE / 2 + 4:.0f}">{unit}</text>')
    at = left
    for operation in function.operations:
        if operation.ms:
            width = operation.ms * scale
            parts.append(_bar(operation, at, width, lanes.index(operation.unit)))
            at += width
    return "".join([*parts, "</svg>"])


def _bar(operation: OperationReport, at: float, width: float, row: int) -> str:
    label = (
        f"{operation.name} ({operation.type}) {'×'.join(map(str, operation.shape))}\n"
        f"{operation.ms:.3f} ms predicted on the {operation.unit}, bound by {operation.bound}\n{operation.why}"
    )
    return (
        f'<rect x="{at:.2f}" y="{_y(row):.0f}" width="{max(width - 0.3, 0.2):.2f}" height="{_LANE:.0f}" '
        f'fill="var(--{operation.family})"><title>{escape(label)}</title></rect>'
    )


def _axis(whole: float, left: float, scale: float, height: float) -> Iterable[str]:
    """About eight ticks, at round numbers of milliseconds."""
    step = _round_step(whole / 8)
    for index in range(int(whole / step) + 1):
        x = left + index * step * scale
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="14" y2="{height:.0f}"/>'
        yield f'<text x="{min(x + 3, _WIDTH - 40):.1f}" y="11">{index * step:.4g} ms</text>'


def _round_step(rough: float) -> float:
    power = 10.0 ** len(str(int(1 / rough))) if rough < 1 else 10.0 ** -(len(str(int(rough))) - 1)
    return next(step for step in (1, 2, 5, 10) if step / power >= rough or step == 10) / power


def _y(row: int) -> float:
    return _TOP + row * (_LANE + _GAP)


def _advice(function: FunctionReport) -> str:
    items = "".join(
        f"<li><b>{escape(line.about)}</b>, {line.ms:.3g} ms, {line.share:.0%} of the call: "
        f"{escape(line.text)}</li>"
        for line in function.advice
    )
    return f"<ol>{items}</ol>"


def _table(function: FunctionReport) -> str:
    heads = ("operation", "type", "result", "#MMAC", "#MiB", "unit", "#ms", "#interval", "bound by", "why")
    head = "".join(f"<th{_number(name)}>{name.lstrip('#')}</th>" for name in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{_rows(function)}</tbody></table></div>'


def _rows(function: FunctionReport) -> str:
    rows = []
    for line in function.operations:
        cells = (
            f"<td>{escape(line.name)}</td><td>{escape(line.type)}</td><td>{'×'.join(map(str, line.shape))}</td>"
            f"<td class=number>{line.macs / 1e6:.4g}</td><td class=number>{line.bytes / 2**20:.3f}</td>"
            f'<td class="{line.unit}">{line.unit}</td><td class=number>{line.ms:.4f}</td>'
            f"<td class=number>{line.low:.3f}–{line.high:.3f}</td><td>{line.bound}</td>"
            f'<td class="why">{escape(line.why)} <span class=dim>({escape(line.source)})</span></td>'
        )
        rows.append(f"<tr>{cells}</tr>")
    return "\n".join(rows)


def _comparison(found: Sequence[Inspection]) -> str:
    rows = "".join(
        f"<tr><td>{escape(item.chip.name)}</td><td class=number>{item.main.latency:.3g}</td>"
        f"<td class=number>{item.main.low:.3g}–{item.main.high:.3g}</td><td class=number>{item.main.fps:.3g}</td>"
        f"<td class=number>{item.main.ane_share:.0%}</td><td>{escape(item.chip.note)}</td></tr>"
        for item in found
    )
    head = "<th>chip</th><th class=number>ms</th><th class=number>interval</th><th class=number>FPS</th>"
    head += "<th class=number>on the engine</th><th>source</th>"
    return f"<h2>Chips, predicted</h2><table><thead><tr>{head}</tr></thead>{rows}</table>"


def _sources(found: Inspection) -> str:
    items = (f"<li>{escape(name)}: {escape(address)}</li>" for name, address in found.sources.items())
    return f"<h2>Sources</h2><ul class=dim>{''.join(items)}</ul>"


def _number(name: str) -> str:
    return " class=number" if name.startswith("#") else ""
