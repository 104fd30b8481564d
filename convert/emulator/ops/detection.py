"""What ends detectors and classifiers: suppression of overlapping boxes, labels."""

import torch
from jaxtyping import Float
from torch import Tensor

from convert.emulator.registry import Kind, operation


@operation("classify", kind=Kind.MOVES)
def classify(probabilities: Tensor, classes: tuple) -> tuple[str | int, dict[str | int, float]]:
    """The likeliest label, and every label's probability."""
    numbers = probabilities.reshape(-1).tolist()
    labels = [label if isinstance(label, str) else int(label) for label in classes]
    by_label = dict(zip(labels, numbers, strict=True))
    return max(by_label, key=by_label.__getitem__), by_label


@operation("non_maximum_suppression", kind=Kind.MOVES)
def non_maximum_suppression(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    max_boxes: int,
    score_threshold: float | None = None,
    per_class_suppression: bool = False,
) -> tuple[Tensor, ...]:
    """Boxes (n, B, 4) as (x, y, width, height) about their centre, scores (n, B, classes) → the best of each.

    From iOS 17 on there is no `score_threshold`, and the boxes are on the last axis. Without any box that scores
    enough the best one is kept, as in Core ML. Missing boxes and scores are 0, missing indices -1.
    """
    if score_threshold is None:
        picked = non_maximum_suppression(
            boxes.mT, scores.mT, iou_threshold, max_boxes, -torch.inf, per_class_suppression
        )
        return picked[0].mT, picked[1].mT, picked[2]
    rows = [
        _kept(each, score, iou_threshold, score_threshold, per_class=per_class_suppression)[:max_boxes]
        for each, score in zip(boxes, scores, strict=True)
    ]
    out = (
        boxes.new_zeros(len(boxes), max_boxes, 4),
        scores.new_zeros(len(boxes), max_boxes, scores.shape[-1]),
        torch.full((len(boxes), max_boxes), -1, dtype=torch.int32),
        torch.tensor([len(row) for row in rows], dtype=torch.int32),
    )
    for at, row in enumerate(rows):
        out[0][at, : len(row)], out[1][at, : len(row)] = boxes[at, row], scores[at, row]
        out[2][at, : len(row)] = row.int()
    return out


def _kept(
    boxes: Float[Tensor, "b 4"], scores: Float[Tensor, "b k"], most: float, least: float, *, per_class: bool
) -> Tensor:
    """Indices, the best first, of boxes that overlap no better one (of their class) by more than `most`."""
    best, classes = scores.max(-1)
    rivals = _overlaps(boxes) > most
    if per_class:
        rivals &= classes[:, None] == classes
    order = best.argsort(descending=True, stable=True)
    kept: list[int] = []
    for index in order[best[order] > least].tolist():
        if not rivals[index, kept].any():
            kept.append(index)
    return torch.tensor(kept or [int(order[0])])


def _overlaps(boxes: Float[Tensor, "b 4"]) -> Float[Tensor, "b b"]:
    """Intersection over union of each pair."""
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    sides = (torch.minimum(high[:, None], high) - torch.maximum(low[:, None], low)).clamp(min=0)
    shared, areas = sides.prod(-1), boxes[:, 2:].prod(-1)
    return shared / (areas[:, None] + areas - shared)
