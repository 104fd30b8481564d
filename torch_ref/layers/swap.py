"""Layers of a network exchanged for others that compute the same."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def swap(net: Net, replacements: Mapping[type[nn.Module], Callable[[Any], nn.Module]]) -> Net:
    """Puts `replacements[type(layer)](layer)` in the place of every such layer, in place; returns the network."""
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if type(child) in replacements:
                setattr(parent, name, replacements[type(child)](child))
    return net
