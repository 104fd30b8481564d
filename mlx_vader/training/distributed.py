"""Several machines, or processes, that train one network: `mlx.launch -n 2 --backend ring -- vader-mlx train ...`."""

import os
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
from mlx.utils import tree_map

from mlx_vader.errors import VaderError


@dataclass(frozen=True)
class World:
    """Who takes part; `group` is `None` for one process alone. Rank 0 writes, reports and validates."""

    rank: int = 0
    size: int = 1
    group: mx.distributed.Group | None = None

    def any(self, flag: bool) -> bool:
        """True on every rank as soon as it is true on one, so that all of them leave the loop at the same step."""
        if self.group is None:
            return flag
        return bool(mx.distributed.all_sum(mx.array(int(flag)), group=self.group).item())

    def share(self, arrays: Any) -> Any:
        """The arrays of rank 0 on every rank."""
        if self.group is None:
            return arrays
        group = self.group

        def from_first(array: mx.array) -> mx.array:
            return mx.distributed.all_sum(array if self.rank == 0 else mx.zeros_like(array), group=group)

        return tree_map(from_first, arrays)


def join() -> World:
    """The world this process was launched into. Raises `VaderError` when the other ranks cannot be reached."""
    # Without `strict` MLX makes a world of one: a rank that came too late would train alone, and the others wait.
    launched = "MLX_RANK" in os.environ
    try:
        group = mx.distributed.init(strict=launched)
    except RuntimeError as error:
        raise VaderError(
            f"rank {os.environ.get('MLX_RANK', 0)} cannot reach the others: {error}",
            hint="do all ranks run, and are the ports of the host file free?",
        ) from error
    return World(group.rank(), group.size(), group) if group.size() > 1 else World()
