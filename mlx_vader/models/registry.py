"""The networks by name. A new one is a line in `NETWORKS`: tests, conversion and the command line find it here."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from mlx_vader.errors import UsageError, choices
from mlx_vader.models import composite, mark_finder, nafunet, nafunet_lite, realtime
from mlx_vader.models.base import Network
from mlx_vader.untrusted import parse_json


@dataclass(frozen=True)
class Entry:
    """A network's line: its class and its presets, specs by name. All else is in the network's own file."""

    network: type[Network]
    presets: dict[str, Any]

    @property
    def spec(self) -> type:
        """The class of its specs."""
        return type(next(iter(self.presets.values())))

    @property
    def twin(self) -> tuple[str, str]:
        """Module and class of its PyTorch twin: the same names in `torch_ref`. Imported where PyTorch may be."""
        return self.network.__module__.replace("mlx_vader.", "torch_ref."), self.network.__name__


NETWORKS = {
    "nafunet": Entry(nafunet.TemporalNAFUNet, nafunet.PRESETS),
    "composite": Entry(composite.ExplicitCompositeNet, composite.PRESETS),
    "nafunet-lite": Entry(nafunet_lite.NAFUNetLite, nafunet_lite.PRESETS),
    "realtime": Entry(realtime.Realtime, realtime.PRESETS),
    "mark-finder": Entry(mark_finder.MarkFinder, mark_finder.PRESETS),
}


def entry(name: str) -> Entry:
    """The registry line of a network. Raises `UsageError` for an unknown name."""
    if name not in NETWORKS:
        raise UsageError(f"unknown network {name!r}", hint=choices(name, NETWORKS))
    return NETWORKS[name]


def make_spec(name: str, preset: str = "small", **overrides: Any) -> Any:
    """A preset's spec with fields replaced. Raises `UsageError` for an unknown preset or field.

    Raises `VaderError` for a value of another type, or out of bounds.
    """
    presets = entry(name).presets
    if preset not in presets:
        raise UsageError(f"{name} has no preset {preset!r}", hint=choices(preset, presets))
    return changed_spec(name, presets[preset], **overrides)


def changed_spec(name: str, spec: Any, **overrides: Any) -> Any:
    """A network's spec with fields replaced. Raises `UsageError` for an unknown field."""
    known = {field.name for field in dataclasses.fields(spec)}
    if unknown := sorted(set(overrides) - known):
        raise UsageError(f"{name} has no option {unknown[0]!r}", hint=choices(unknown[0], sorted(known)))
    values = dataclasses.asdict(spec) | overrides
    return parse_json(json.dumps(values), entry(name).spec, f"{name} cannot be built so")


def build(name: str, preset: str = "small", **overrides: Any) -> Network:
    """A fresh network with random weights, for example `build("composite", "base", memory=8)`."""
    return make(name, make_spec(name, preset, **overrides))


def make(name: str, spec: Any) -> Network:
    """A fresh network with random weights from a spec."""
    network: Any = entry(name).network
    made: Network = network(spec)
    return made


def name_of(network: Network) -> str:
    """The registry name of a network."""
    return next(name for name, line in NETWORKS.items() if type(network) is line.network)
