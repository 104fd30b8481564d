"""The networks by name. A new one is a line in `NETWORKS`: tests, conversion and the command line find it here."""

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any

from mlx_vader.errors import UsageError
from mlx_vader.models import composite, nafunet, nafunet_lite, realtime
from mlx_vader.models.base import Network


@dataclass(frozen=True)
class Entry:
    """What belongs to a network. `twin` is "module:class", imported where PyTorch may be."""

    network: type[Any]
    spec: type
    presets: dict[str, Any]
    twin: str


NETWORKS = {
    "nafunet": Entry(
        nafunet.TemporalNAFUNet,
        nafunet.NAFUNetSpec,
        nafunet.PRESETS,
        "torch_ref.models.nafunet:TemporalNAFUNet",
    ),
    "composite": Entry(
        composite.ExplicitCompositeNet,
        composite.CompositeSpec,
        composite.PRESETS,
        "torch_ref.models.composite:ExplicitCompositeNet",
    ),
    "nafunet-lite": Entry(
        nafunet_lite.NAFUNetLite,
        nafunet_lite.NAFUNetLiteSpec,
        nafunet_lite.PRESETS,
        "torch_ref.models.nafunet_lite:NAFUNetLite",
    ),
    "realtime": Entry(
        realtime.Realtime,
        realtime.RealtimeSpec,
        realtime.PRESETS,
        "torch_ref.models.realtime:Realtime",
    ),
}


def entry(name: str) -> Entry:
    """The registry line of a network. Raises `UsageError` for an unknown name."""
    if name not in NETWORKS:
        close = difflib.get_close_matches(name, NETWORKS, n=1)
        raise UsageError(
            f"unknown network {name!r}",
            hint=f"did you mean {close[0]!r}?" if close else f"one of {', '.join(NETWORKS)}",
        )
    return NETWORKS[name]


def make_spec(name: str, preset: str = "small", **overrides: Any) -> Any:
    """A preset's spec with fields replaced. Raises `UsageError` for an unknown preset or field."""
    presets = entry(name).presets
    if preset not in presets:
        raise UsageError(f"{name} has no preset {preset!r}", hint=f"one of {', '.join(presets)}")
    known = {field.name for field in dataclasses.fields(presets[preset])}
    if unknown := sorted(set(overrides) - known):
        raise UsageError(f"{name} has no option {unknown[0]!r}", hint=f"it has {', '.join(sorted(known))}")
    return dataclasses.replace(presets[preset], **overrides)


def build(name: str, preset: str = "small", **overrides: Any) -> Network:
    """A fresh network with random weights, for example `build("composite", "base", memory=8)`."""
    net: Network = entry(name).network(make_spec(name, preset, **overrides))
    return net


def name_of(network: Network) -> str:
    """The registry name of a network."""
    return next(name for name, line in NETWORKS.items() if type(network) is line.network)
