"""Where the time of a frame goes: v1 and realtime at 720p on an M4, operation by operation, predicted.

python -m benchmarks.timeline [--out docs/images/timeline.png]
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from convert import ane
from convert.ane.report import FunctionReport
from convert.coreml import open_source, write_package
from mlx_vader.artifacts.vocabulary import font_file
from mlx_vader.models.registry import build

NETWORKS = {"v1: composite, base": ("composite", "base"), "realtime, base": ("realtime", "base")}

#: What an operation does, by its type in MIL; the others move or combine data.
KINDS = {
    "convolution": ("conv", "conv_transpose"),
    "normalisation": ("layer_norm", "reduce_mean", "reduce_sum", "softmax", "rsqrt"),
    "arithmetic": ("add", "sub", "mul", "real_div", "clip", "sigmoid", "tanh", "gelu", "relu", "silu"),
    "matrix product": ("matmul", "linear"),
    "state": ("read_state", "write_state", "coreml_update_state"),
}
MOVING = "moving data"
COLOURS = {
    "convolution": "#2f6fdb",
    "normalisation": "#d9822b",
    "arithmetic": "#c23b5a",
    "matrix product": "#7a5bc4",
    "state": "#2b8f6b",
    MOVING: "#9aa3ad",
}
WIDTH, LEFT, BAR, GAP = 1400, 20, 56, 92


def predicted(network: str, preset: str) -> FunctionReport:
    """The network's stateful package at 720p on an M4."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "net.mlpackage"
        write_package(open_source(build(network, preset)), package, shapes="720p", stateful=True)
        return ane.inspect(package, [ane.chip("m4")])[0].main


def kind_of(operation: str) -> str:
    """What an operation of this type does."""
    return next((kind for kind, types in KINDS.items() if operation in types), MOVING)


def by_kind(report: FunctionReport) -> dict[str, float]:
    """Milliseconds by kind."""
    sums: dict[str, float] = defaultdict(float)
    for operation in report.operations:
        sums[kind_of(operation.type)] += operation.ms
    return sums


def table(reports: dict[str, FunctionReport]) -> str:
    """As Markdown: a column for each network."""
    sums = {name: by_kind(report) for name, report in reports.items()}
    lines = ["| | " + " | ".join(reports) + " |", "|---|" + "---:|" * len(reports)]
    lines += [
        f"| {kind} | " + " | ".join(f"{sums[name].get(kind, 0):.2f} ms" for name in reports) + " |"
        for kind in COLOURS
    ]
    outside = {name: report.latency - sum(sums[name].values()) for name, report in reports.items()}
    lines.append("| call, inputs, outputs | " + " | ".join(f"{ms:.2f} ms" for ms in outside.values()) + " |")
    whole = [
        f"{report.latency:.1f} ms ({report.low:.1f} to {report.high:.1f})" for report in reports.values()
    ]
    lines.append("| **a frame** | " + " | ".join(whole) + " |")
    arithmetic = [f"{report.macs / 1e9:.1f}" for report in reports.values()]
    lines.append("| GMAC | " + " | ".join(arithmetic) + " |")
    rate = [f"{2 * report.macs / report.latency / 1e9:.1f}" for report in reports.values()]
    lines.append("| TFLOP/s reached | " + " | ".join(rate) + " |")
    return "\n".join(lines)


def picture(reports: dict[str, FunctionReport]) -> Image.Image:
    """A bar for each network on one scale, and the last one again on its own."""
    font = ImageFont.truetype(font_file("font_lato", "Lato-Regular.ttf"), 20)
    longest = max(report.latency for report in reports.values())
    rows = [(name, report, longest) for name, report in reports.items()]
    last, report, _ = rows[-1]
    rows.append((f"{last}, enlarged {longest / report.latency:.0f} times", report, report.latency))
    image = Image.new("RGB", (WIDTH, len(rows) * (BAR + GAP) + 40), "white")
    draw = ImageDraw.Draw(image)
    for place, (name, report, scale) in enumerate(rows):
        top = place * (BAR + GAP) + 34
        draw.text((LEFT, top - 30), f"{name}: {report.latency:.1f} ms a frame, predicted", "#222", font)
        _bar(draw, report, top, (WIDTH - 2 * LEFT) / scale)
    x = LEFT
    for kind, colour in COLOURS.items():
        draw.rectangle((x, image.height - 34, x + 20, image.height - 14), colour)
        draw.text((x + 28, image.height - 38), kind, "#222", font)
        x += 60 + int(draw.textlength(kind, font))
    return image


def _bar(draw: ImageDraw.ImageDraw, report: FunctionReport, top: int, pixels_a_ms: float) -> None:
    x = float(LEFT)
    for operation in report.operations:
        wide = operation.ms * pixels_a_ms
        draw.rectangle((x, top, x + wide, top + BAR), COLOURS[kind_of(operation.type)])
        if wide > 4:
            draw.line((x + wide, top, x + wide, top + BAR), "white")
        x += wide
    draw.rectangle((x, top, LEFT + report.latency * pixels_a_ms, top + BAR), outline="#9aa3ad")


def main() -> None:
    """Prints the table and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, help="a PNG file")
    out = parser.parse_args().out
    reports = {name: predicted(*network) for name, network in NETWORKS.items()}
    print(table(reports))
    if out:
        picture(reports).save(out, optimize=True)


if __name__ == "__main__":
    main()
