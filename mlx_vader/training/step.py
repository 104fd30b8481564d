"""One optimiser step, compiled: the gradients of a batch, and the update of the weights."""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple, Protocol

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from jaxtyping import Float
from mlx.utils import tree_map

from mlx_vader.backends.torch_gradients import TorchGradients, WarmUp
from mlx_vader.losses import LossWeights, total
from mlx_vader.losses.weighted import Perceptual
from mlx_vader.models.base import Network, State
from mlx_vader.training.ema import average
from mlx_vader.training.state import TrainingState


class Clips(NamedTuple):
    """A batch on the device. `hint`: `None` where the network takes none. `warm_up`: `None` where all start cold."""

    spoiled: mx.array
    hint: mx.array | None
    clean: mx.array
    mask: mx.array
    mask_known: mx.array
    warm_up: WarmUp | None


class Objective(NamedTuple):
    """What is minimised: the losses' weights, and the perceptual network if there is one."""

    weights: LossWeights
    perceptual: Perceptual | None = None
    mask_loss: str = "dice"
    mask_weight: float = 1.0

    def __call__(
        self,
        restored: Float[mx.array, "b t h w 3"],
        mask: Float[mx.array, "b t h w 1"] | None,
        clips: Clips,
        mask_decay: mx.array,
    ) -> tuple[mx.array, dict[str, mx.array]]:
        """The sum that is minimised, and its parts by name."""
        return total(
            restored,
            mask,
            clips.clean,
            clips.mask,
            clips.mask_known,
            self.weights,
            perceptual=self.perceptual,
            mask_loss=self.mask_loss,
            mask_weight=self.mask_weight,
            mask_decay=mask_decay,
        )

    def gradients(self, net: Network, dtype: mx.Dtype, twin: TorchGradients | None) -> Any:
        """`(clips, mask_decay) -> (losses, gradients)`; see `Step`."""
        return _compiled_gradients(net, self, dtype) if twin is None else _through(twin, self)


class Differentiable(Protocol):
    """What a step minimises."""

    def gradients(self, net: Network, dtype: mx.Dtype, twin: TorchGradients | None) -> Any:
        """`(batch, mask_decay) -> (losses, gradients)`, the fp32 gradients of what is not frozen."""
        ...


class Outcome(NamedTuple):
    """What a step did; `finite` is false where the loss or a gradient was not a number and the weights stayed."""

    losses: dict[str, float]
    gradient_norm: float
    finite: bool


class Step:
    """`step(batches, learning_rate, ema_decay, mask_decay)` averages the gradients of all batches and updates once.

    Networks run in `dtype`; weights, losses and moments are fp32. `twin` computes the network's part of the gradients
    in PyTorch. `group`: the machines that share the step.
    """

    def __init__(
        self,
        state: TrainingState,
        objective: Differentiable,
        *,
        clip_norm: float,
        dtype: mx.Dtype = mx.float32,
        twin: TorchGradients | None = None,
        group: mx.distributed.Group | None = None,
    ) -> None:
        self._state = state
        self._gradients = objective.gradients(state.net, dtype, twin)
        self._update = _updating(state, clip_norm, group)

    def __call__(
        self, batches: Iterable[Any], *, learning_rate: float, ema_decay: float, mask_decay: float = 1.0
    ) -> Outcome:
        gradients, losses, count = None, None, 0
        for clips in batches:
            more_losses, more_gradients = self._gradients(clips, mx.array(mask_decay))
            gradients = more_gradients if count == 0 else tree_map(mx.add, gradients, more_gradients)
            losses = more_losses if count == 0 else tree_map(mx.add, losses, more_losses)
            # Evaluated batch by batch: accumulation is there to save memory.
            mx.eval(gradients, losses)
            count += 1
        gradients, losses = tree_map(lambda array: array / count, (gradients, losses))
        self._state.optimiser.set_rate(learning_rate)
        losses, norm, finite = self._update(gradients, losses, mx.array(ema_decay))
        mx.eval(self._state.trees(), losses, norm, finite)
        return Outcome({name: loss.item() for name, loss in losses.items()}, norm.item(), finite.item())


def _compiled_gradients(net: Network, objective: Objective, dtype: mx.Dtype) -> Any:
    """`(clips, mask_decay) -> (losses, gradients)`, the fp32 gradients of what is not frozen."""

    @partial(mx.compile, inputs=net.state)
    def gradients(clips: Clips, mask_decay: mx.array) -> tuple[dict[str, mx.array], Any]:
        weights = net.parameters()

        def loss_of(trainable: Any) -> tuple[mx.array, dict[str, mx.array]]:
            net.update(_cast(weights, dtype))
            net.update(_cast(trainable, dtype))
            state = _initial_state(net, clips, dtype)
            restored, mask, _ = net(clips.spoiled.astype(dtype), state, _cast_hint(clips.hint, dtype))
            restored = restored.astype(mx.float32)
            return objective(restored, None if mask is None else mask.astype(mx.float32), clips, mask_decay)

        (loss, parts), grads = mx.value_and_grad(loss_of)(net.trainable_parameters())
        net.update(weights)
        return {"loss": loss, **parts}, grads

    return gradients


def _through(twin: TorchGradients, objective: Objective) -> Any:
    """The same as `_compiled_gradients` through the twin: here only the losses, and their gradients to its outputs."""

    @mx.compile
    def losses(
        outputs: tuple[mx.array, ...], clips: Clips, mask_decay: mx.array
    ) -> tuple[tuple[mx.array, dict[str, mx.array]], Any]:
        def loss_of(outputs: tuple[mx.array, ...]) -> tuple[mx.array, dict[str, mx.array]]:
            return objective(outputs[0], outputs[1] if len(outputs) > 1 else None, clips, mask_decay)

        return mx.value_and_grad(loss_of)(outputs)

    def gradients(clips: Clips, mask_decay: mx.array) -> tuple[dict[str, mx.array], Any]:
        restored, mask = twin.forward(clips.spoiled, clips.hint, clips.warm_up)
        outputs = (restored,) if mask is None else (restored, mask)
        # Hint and warm-up are the twin's concern. Left out, they do not make the losses compile again.
        (loss, parts), cotangents = losses(outputs, clips._replace(hint=None, warm_up=None), mask_decay)
        return {"loss": loss, **parts}, twin.backward(cotangents)

    return gradients


def _initial_state(net: Network, clips: Clips, dtype: mx.Dtype) -> State:
    """The state after the frames before a warm clip, without a gradient; the fresh one, zeros, for a cold clip."""
    batch, _, height, width, _ = clips.spoiled.shape
    fresh = {name: zeros.astype(dtype) for name, zeros in net.fresh_state(batch, height, width).items()}
    if clips.warm_up is None or not fresh:
        return fresh
    rows, before, hint = clips.warm_up
    start = {name: zeros[: len(before)] for name, zeros in fresh.items()}
    state = net(before.astype(dtype), start, _cast_hint(hint, dtype)).state
    return {name: fresh[name].at[rows].add(mx.stop_gradient(value)) for name, value in state.items()}


def _updating(state: TrainingState, clip_norm: float, group: mx.distributed.Group | None) -> Any:
    """`(gradients, losses, ema_decay) -> (losses, norm, finite)`, and the new weights in `state`."""
    net, optimiser = state.net, state.optimiser
    carried = {"net": net.state, "optimiser": optimiser.states, "ema": state.ema}

    def update(
        gradients: Any, losses: Any, ema_decay: mx.array
    ) -> tuple[dict[str, mx.array], mx.array, mx.array]:
        before = tree_map(lambda array: array, (net.parameters(), optimiser.states, state.ema))
        if group is not None:
            gradients = nn.utils.average_gradients(gradients, group)
            losses = tree_map(lambda loss: mx.distributed.all_sum(loss, group=group) / group.size(), losses)
        gradients, norm = optim.clip_grad_norm(gradients, clip_norm)
        finite = mx.isfinite(norm) & mx.isfinite(losses["loss"])
        optimiser.update(net, gradients)
        state.ema.update(average(state.ema, net.parameters(), ema_decay))
        # A step that is not finite changes nothing: neither weights nor moments nor their count.
        _keep_where(finite, (net, optimiser.states, state.ema), before)
        return losses, norm, finite

    return mx.compile(update, inputs=carried, outputs=carried) if optimiser.compiles else update


def _keep_where(good: mx.array, now: tuple[Network, Any, Any], before: tuple[Any, Any, Any]) -> None:
    def choose(new: mx.array, old: mx.array) -> mx.array:
        return mx.where(good, new, old)

    net, moments, ema = now
    net.update(tree_map(choose, net.parameters(), before[0]))
    for part, old in zip(moments, before[1], strict=True):
        part.update(tree_map(choose, part, old))
    ema.update(tree_map(choose, ema, before[2]))


def _cast_hint(hint: mx.array | None, dtype: mx.Dtype) -> mx.array | None:
    return None if hint is None else hint.astype(dtype)


def _cast(weights: Any, dtype: mx.Dtype) -> Any:
    return tree_map(lambda array: array.astype(dtype), weights)
