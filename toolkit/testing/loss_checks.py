"""What a loss must hold: `(logits (N, C), targets (N, C) probabilities) -> scalar`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.testing.attributes import hidden_modules, stray_tensors
from toolkit.testing.subject import CheckFailed, NotApplicable, Subject, require
from toolkit.train.state import load_tree, save_tree

ROWS = 12


def finite_scalar(subject: Subject) -> None:
    """The loss of a batch is one finite number."""
    value = _loss(subject)(*_batch(subject))
    require(isinstance(value, Tensor), f"gives a {type(value).__name__}, expected a tensor")
    require(
        value.shape == () and value.is_floating_point(),
        f"gives {value.dtype} of shape {tuple(value.shape)}, expected a float scalar (); average "
        "over the batch: .mean()",
    )
    require(bool(value.isfinite()), f"gives {value.item()} for plain logits and targets")


def gradients(subject: Subject) -> None:
    """Its gradient at the logits is finite, and not zero everywhere."""
    logits, targets = _batch(subject)
    gradient = _gradient(_loss(subject), logits, targets)
    require(bool(gradient.isfinite().all()), "its gradient at the logits is not finite")
    require(
        bool(gradient.any()),
        "its gradient at the logits is zero everywhere: nothing would be learned; use no argmax, "
        "no detach and no .data on the way from logits to loss",
    )


def falls_towards_the_target(subject: Subject) -> None:
    """The nearer the logits are to the target, the lower the loss."""
    eye = torch.eye(_classes(subject))
    # Not further than 1.5: a loss that smooths its targets by 0.3 turns upwards at 2.3.
    values = [_value(subject, scale * eye, eye) for scale in (-1.0, 0.0, 0.5, 1.0, 1.5)]
    falling = all(before > after for before, after in pairwise(values))
    shown = ", ".join(f"{value:.4g}" for value in values)
    require(
        falling,
        f"does not fall as the logits approach the target: {shown} for a true logit of -1, 0, "
        "0.5, 1, 1.5 above the others; look for a wrong sign or axis",
    )


def batch_order(subject: Subject) -> None:
    """The order of the rows in a batch does not matter."""
    logits, targets = _batch(subject)
    order = torch.arange(ROWS).roll(5).flip(0)
    straight = _value(subject, logits, targets)
    shuffled = _value(subject, logits[order], targets[order])
    require(
        _close(straight, shuffled, 1e-4),
        f"gives {straight:.6g} for a batch and {shuffled:.6g} for its rows in another order; "
        "average over rows",
    )


def soft_targets(subject: Subject) -> None:
    """Targets are probabilities: mixup, smoothing and pseudo-labels must matter."""
    logits, hard = _batch(subject)
    soft = 0.7 * hard + 0.3 * hard.roll(1, 0)
    value = _value(subject, logits, soft)
    require(value == value and abs(value) != float("inf"), f"gives {value} for soft targets")
    rounded = _value(subject, logits, F.one_hot(soft.argmax(1), _classes(subject)).float())
    require(
        not _close(value, rounded, 1e-6),
        f"gives {value:.6g} for soft targets and for their argmax alike; use the (N, C) "
        "probabilities as they are",
    )


def batch_of_one(subject: Subject) -> None:
    """A batch of one row is a batch."""
    logits, targets = _batch(subject)
    value = _loss(subject)(logits[:1], targets[:1])
    require(
        bool(torch.as_tensor(value).isfinite().all()),
        f"gives {value} for a batch of one row; use no squeeze(), and no spread over the batch",
    )


def large_logits(subject: Subject) -> None:
    """Logits of +-1e4 give a finite loss and finite gradients, right or wrong."""
    loss, eye = _loss(subject), torch.eye(_classes(subject))
    for name, targets in (("right", eye), ("wrong", eye.roll(1, 0))):
        logits = (2 * eye - 1) * 1e4
        value = _value(subject, logits, targets)
        finite = _gradient(loss, logits, targets).isfinite().all()
        require(
            abs(value) < float("inf") and bool(finite),
            f"logits of +-1e4, {name} ones: the loss is {value:.4g}, its gradient is "
            f"{'finite' if finite else 'not finite'}; use log_softmax, not log(softmax), and "
            "clamp what a power or a root gets",
        )


def bf16_autocast(subject: Subject) -> None:
    """Under bfloat16 autocast it is what it is in float32, but for rounding."""
    loss, (logits, targets) = _loss(subject), _batch(subject)
    logits = logits.bfloat16()
    exact = _value(subject, logits.float(), targets)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = _value(subject, logits, targets)
        gradient = _gradient(loss, logits, targets)
    require(
        _close(exact, rounded, 0.03) and bool(gradient.isfinite().all()),
        f"gives {rounded:.6g} for bfloat16 logits under autocast, {exact:.6g} in float32; start "
        "with logits.float()",
    )


def inputs_unmodified(subject: Subject) -> None:
    """Logits and targets are left as they were."""
    logits, targets = _batch(subject)
    given = logits.clone().requires_grad_(), targets.clone()
    # In-place operations are forbidden on a leaf that needs its gradient, and allowed on these.
    worked_on = given[0] * 1, given[1]
    _backward(_loss(subject)(*worked_on))
    for name, before, after in zip(
        ("logits", "targets"), (logits, targets), worked_on, strict=True
    ):
        require(
            torch.equal(before, after),
            f"changes its {name} in place; clone() first, or use an operation without _",
        )


def buffers_follow(subject: Subject) -> None:
    """Tensors that it keeps move with `.to(device)`."""
    loss = _loss(subject)
    stray = [name for module in loss.modules() for name in stray_tensors(module)]
    advice = "keep them with register_buffer"
    require(
        not stray, f"keeps tensors that .to(device) leaves behind ({', '.join(stray)}); {advice}"
    )
    # The meta device has shapes and no numbers: enough to see which tensors stayed on the CPU.
    logits, targets = (tensor.to("meta") for tensor in _batch(subject))
    try:
        loss.to("meta")(logits, targets)
    except RuntimeError as error:
        # What cannot run without numbers is no fault; tensors of two devices are.
        if "device cpu" in str(error) or "same device" in str(error):
            raise CheckFailed(
                f"keeps a tensor that .to(device) leaves behind ({error}); {advice}"
            ) from error


def parameters_train(subject: Subject) -> None:
    """Its parameters, if it has any, are found by the optimizer, and get a gradient."""
    loss = _loss(subject).train()
    hidden = [name for module in loss.modules() for name in hidden_modules(module)]
    require(
        not hidden,
        f"keeps modules that no optimizer finds ({', '.join(hidden)}); keep them in an "
        "nn.ModuleList or an nn.ModuleDict",
    )
    trainable = [(name, p) for name, p in loss.named_parameters() if p.requires_grad]
    if not trainable:
        raise NotApplicable("it has no parameters to train")
    logits, targets = _batch(subject)
    _backward(loss(logits.clone().requires_grad_() * 1, targets))
    idle = [name for name, p in trainable if p.grad is None or not p.grad.any()]
    require(
        not idle,
        f"its parameters {', '.join(idle)} get no gradient, and stay what they were; use them "
        "without detach(), item() and no_grad(), or keep them with register_buffer",
    )
    broken = [name for name, p in trainable if p.grad is not None and not p.grad.isfinite().all()]
    require(not broken, f"gradients of {', '.join(broken)} are not finite")


def loss_state_resumes(subject: Subject) -> None:
    """What it keeps between calls is in its state: read back from a file, it goes on the same."""
    loss = _loss(subject).train()
    _steps(loss, subject, range(3))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        try:
            save_tree(file, loss.state_dict())
        except TypeError as error:
            raise CheckFailed(f"{error}; keep numbers with register_buffer") from error
        state = load_tree(file)
    resumed = _loss(subject).train()
    try:
        resumed.load_state_dict(state)
    except RuntimeError as error:
        raise CheckFailed(
            f"a fresh one does not take its state ({error}); make buffers and parameters in "
            "__init__, in their final shapes"
        ) from error
    straight, again = (_steps(each, subject, range(3, 6)) for each in (loss, resumed))
    require(
        straight == again,
        f"gives {again[-1]:.8g} behind a resume and {straight[-1]:.8g} without one: something that "
        "it keeps between calls is not in its state; keep it with register_buffer",
    )


CHECKS = (
    finite_scalar,
    gradients,
    falls_towards_the_target,
    batch_order,
    soft_targets,
    batch_of_one,
    large_logits,
    bf16_autocast,
    inputs_unmodified,
    buffers_follow,
    parameters_train,
    loss_state_resumes,
)


def _loss(subject: Subject) -> nn.Module:
    """A fresh loss, the same one each time: one that keeps a state has none yet."""
    torch.manual_seed(0)
    return subject.build_module(subject.facts)


def _classes(subject: Subject) -> int:
    return len(subject.facts.classes)


def _batch(subject: Subject) -> tuple[Tensor, Tensor]:
    """Random logits and one-hot targets, `(ROWS, C)` each; every class is a target."""
    classes, rng = _classes(subject), torch.Generator().manual_seed(0)
    logits = torch.randn(ROWS, classes, generator=rng)
    return logits, F.one_hot(torch.arange(ROWS) % classes, classes).float()


def _value(subject: Subject, logits: Tensor, targets: Tensor) -> float:
    """A fresh loss as a number; that it is a scalar is another check's matter."""
    loss = _loss(subject)
    with torch.no_grad():
        return float(torch.as_tensor(loss(logits.clone(), targets.clone())).double().mean())


def _gradient(loss: nn.Module, logits: Tensor, targets: Tensor) -> Tensor:
    """The gradient at the logits; zeros where the loss does not depend on them."""
    leaf = logits.clone().requires_grad_()
    _backward(loss(leaf * 1, targets.clone()))
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def _backward(value: Any) -> None:
    if isinstance(value, Tensor) and value.requires_grad:
        value.mean().backward()  # type: ignore[no-untyped-call]


def _steps(loss: nn.Module, subject: Subject, steps: range) -> list[float]:
    """The loss of batches that differ, with a plain step down its gradient behind each."""
    classes, values = _classes(subject), []
    for step in steps:
        rng = torch.Generator().manual_seed(step)
        logits = torch.randn(ROWS, classes, generator=rng).requires_grad_()
        targets = F.one_hot(torch.randint(classes, (ROWS,), generator=rng), classes).float()
        torch.manual_seed(step)  # what it draws is the host's to restore
        loss.zero_grad()
        value = torch.as_tensor(loss(logits * 1, targets))
        _backward(value)
        values.append(float(value.detach().double().mean()))
        with torch.no_grad():
            for parameter in loss.parameters():
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=0.1)
    return values


def _close(a: float, b: float, share: float) -> bool:
    return abs(a - b) <= share * max(abs(a), abs(b), 1e-6)
