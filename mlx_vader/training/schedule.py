"""How the learning rate and the EMA change over a run: functions of the step, so that a resumed run needs no memory."""

import math

#: Of the peak learning rate, what is left at the last step.
FLOOR = 0.01


def learning_rate(step: int, *, peak: float, warmup: int, total: int) -> float:
    """Rises in a line over `warmup` steps to `peak`, then falls along a cosine to 1 % of it at step `total`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - 1 - warmup))
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


def ema_decay(step: int, limit: float) -> float:
    """Starts low, so that the average soon forgets the random weights it began with, and rises to `limit`."""
    return min(limit, (1 + step) / (10 + step))
