"""What a backbone must hold: `nn.Module`, `(N, 3, S, S) -> logits (N, C)`."""

from __future__ import annotations

import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from toolkit.contracts import Facts, InputSpec, LayerGroups
from toolkit.errors import ToolkitError, cause, listed
from toolkit.model.weights import load_weights, save_weights
from toolkit.testing.subject import CheckFailed, NotApplicable, Subject, require

_some = partial(listed, limit=3)

ROWS = 3


def logits_shape(subject: Subject) -> None:
    """A batch gives finite float logits, one a class, in evaluation and in training mode."""
    for mode in ("evaluation", "training"):
        logits = _logits(_model(subject).train(mode == "training"), _images(subject))
        expected = (ROWS, len(subject.facts.classes))
        require(
            isinstance(logits, Tensor),
            f"gives a {type(logits).__name__} in {mode} mode, expected a tensor (N, C)",
        )
        require(
            tuple(logits.shape) == expected and logits.is_floating_point(),
            f"gives {logits.dtype} of shape {tuple(logits.shape)} for {ROWS} images in {mode} "
            f"mode, expected floats {expected}; end with a head of len(facts.classes) outputs",
        )
        require(
            bool(logits.isfinite().all()),
            f"gives logits that are not finite for random images in {mode} mode",
        )


def input_spec(subject: Subject) -> None:
    """`input_spec`, if it has one, is an `InputSpec` on the 0-1 scale."""
    spec = getattr(_model(subject), "input_spec", InputSpec())
    require(
        isinstance(spec, InputSpec),
        f"input_spec is a {type(spec).__name__}, expected toolkit.contracts.InputSpec",
    )
    numbers = (*spec.mean, *spec.std)
    require(
        len(spec.mean) == len(spec.std) == 3
        and all(0 <= number <= 1 for number in numbers)
        and all(std > 0 for std in spec.std),
        f"input_spec has mean {spec.mean} and std {spec.std}, expected three numbers of 0 to 1 "
        "each, std above 0; divide values of 0-255 by 255",
    )


def builds_without_network(subject: Subject) -> None:
    """With `pretrained = False` nothing is fetched."""
    subject.build_module(subject.facts)  # where it cannot be built at all, `builds` says so
    with _no_network() as asked:
        try:
            subject.make(subject.facts)
        # Whatever a download raises without a network; the address is what counts.
        except Exception as error:
            if not asked:
                raise
            raise CheckFailed(_asked(asked)) from error
    require(not asked, _asked(asked))


def row_alone_equals_row_in_batch(subject: Subject) -> None:
    """In eval mode an image's logits do not depend on its neighbours."""
    model, images = _eval(subject), _images(subject)
    together = _logits(model, images)
    alone = torch.cat([_logits(model, images[row : row + 1]) for row in range(ROWS)])
    difference = float((together - alone).abs().max())
    require(
        difference <= 1e-3 * max(1.0, float(together.abs().max())),
        f"logits of an image alone and in a batch differ by {difference:.3g} in eval mode; use "
        "no statistics over the batch there, no dropout, and register sub-modules so that "
        ".eval() reaches them",
    )


def every_parameter_gets_a_gradient(subject: Subject) -> None:
    """Each trainable parameter takes part in the logits."""
    model = _model(subject).train()
    logits = model(_images(subject))
    (logits * torch.randn_like(logits)).sum().backward()
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    require(bool(trainable), "has no trainable parameter")
    idle = [name for name, parameter in trainable if parameter.grad is None]
    require(
        not idle,
        f"{len(idle)} trainable parameters get no gradient ({_some(idle)}); remove them, use them, "
        "or set requires_grad = False",
    )
    broken = [name for name, p in trainable if p.grad is not None and not p.grad.isfinite().all()]
    require(not broken, f"gradients that are not finite ({_some(broken)})")


def layer_groups(subject: Subject) -> None:
    """`layer_groups()`, or timm's `group_matcher()`, names every parameter once."""
    model = _model(subject)
    groups = _layer_groups(model)
    if groups is None:
        raise NotApplicable("it has neither layer_groups() nor timm's group_matcher()")
    listed = Counter(name for group in groups for name in group)
    known = {name for name, _ in model.named_parameters()}
    twice = [name for name, count in listed.items() if count > 1]
    wrong = {
        "are in no group": sorted(known - listed.keys()),
        "are in two": sorted(twice),
        "do not exist": sorted(listed.keys() - known),
    }
    faults = [f"{len(names)} {what} ({_some(names)})" for what, names in wrong.items() if names]
    require(not faults, f"its layer groups must name each parameter once: {', '.join(faults)}")
    require(len(groups) > 1, "has one layer group; give at least two, the last of them the head")


def state_dict_round_trip(subject: Subject) -> None:
    """Weights written as safetensors and read into a fresh model give the same logits."""
    model, images = _eval(subject), _images(subject)
    with torch.no_grad():  # weights of a training, not those that every fresh model has
        for parameter in model.parameters():
            parameter.mul_(1.01).add_(0.01)
    fresh = _eval(subject, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        save_weights(file, model)
        load_weights(file, fresh)
    difference = float((_logits(model, images) - _logits(fresh, images)).abs().max())
    require(
        difference <= 1e-4,
        f"logits differ by {difference:.3g} after its state dict was written and read; keep every "
        "tensor that decides a logit as a parameter or a persistent buffer",
    )


def odd_sizes(subject: Subject) -> None:
    """Images of an odd side work, or the factory says which sizes it takes."""
    odd = subject.size + 1
    facts = replace(subject.facts, image=replace(subject.facts.image, size=odd))
    expected = tuple(_logits(_eval(subject), _images(subject)).shape)
    try:
        logits = _logits(_seeded(subject, facts, 0).eval(), _images(subject, odd))
    except ToolkitError as error:
        require(
            str(odd) in str(error),
            f"refuses images of {odd} pixels with {str(error)!r}; name the size, and those that "
            "it takes",
        )
        return
    # What torch raises in the middle of a model helps nobody.
    except Exception as error:
        raise CheckFailed(
            f"fails on images of {odd} pixels with {cause(error)}; take them, or raise "
            "toolkit.errors.UserError in the factory, naming the sizes that it takes "
            "(facts.image.size is known there)"
        ) from error
    require(
        tuple(logits.shape) == expected,
        f"gives {tuple(logits.shape)} for {ROWS} images of {odd} pixels, but {expected} for "
        f"{subject.size} pixels; pool over the whole feature map in front of the head",
    )


CHECKS = (
    logits_shape,
    input_spec,
    builds_without_network,
    row_alone_equals_row_in_batch,
    every_parameter_gets_a_gradient,
    layer_groups,
    state_dict_round_trip,
    odd_sizes,
)


def _model(subject: Subject, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return subject.build_module(subject.facts)


def _eval(subject: Subject, seed: int = 0) -> nn.Module:
    return _model(subject, seed).eval()


def _seeded(subject: Subject, facts: Facts, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model: nn.Module = subject.make(facts)
    return model


def _images(subject: Subject, size: int | None = None) -> Tensor:
    """Normalized images `(ROWS, 3, S, S)`."""
    side = subject.size if size is None else size
    return torch.randn(ROWS, 3, side, side, generator=torch.Generator().manual_seed(0))


def _logits(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(images)
    return logits


@contextmanager
def _no_network() -> Iterator[list[str]]:
    """Refuses connections and look-ups of names. Yields the addresses that were asked for."""
    asked: list[str] = []

    def refuse(*arguments: Any, **options: Any) -> Any:
        where = [a for a in arguments if isinstance(a, str | tuple)]
        asked.append(str(where[0]) if where else "somewhere")
        raise OSError("no network during this check")

    with (
        mock.patch.object(socket, "getaddrinfo", refuse),
        mock.patch.object(socket, "create_connection", refuse),
        mock.patch.object(socket.socket, "connect", refuse),
    ):
        yield asked


def _asked(asked: list[str]) -> str:
    return (
        f"asks the network ({_some(asked)}) though pretrained is false; fetch weights only where "
        "pretrained is true"
    )


def _layer_groups(model: nn.Module) -> list[list[str]] | None:
    if isinstance(model, LayerGroups):
        return model.layer_groups()
    matcher: Any = getattr(model, "group_matcher", None)
    if matcher is None:
        return None
    from timm.models import group_parameters

    return list(group_parameters(model, matcher(coarse=False)).values())
