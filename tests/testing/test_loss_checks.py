"""A loss may learn and may keep a state, as long as both are where the host looks for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.testing import CheckFailed, NotApplicable, checks

PLUGIN = """
import torch
import torch.nn.functional as F
from torch import nn
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.loss("own", "{name}_kit_plugin:own", help="a loss that learns")


def own(facts, /):
    "A temperature that learns, and a mean of the losses so far."
    return Own(len(facts.classes))


class Own(nn.Module):
    def __init__(self, classes):
        super().__init__()
{init}

    def forward(self, logits, targets):
{forward}
"""

SOUND = (
    """
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.register_buffer("mean", torch.tensor(1.0))
""",
    """
        loss = F.cross_entropy(logits.float() * self.scale, targets)
        if self.training and not loss.is_meta:
            self.mean.lerp_(loss.detach(), 0.1)
        return loss / self.mean.clamp(min=0.5)
""",
)

BROKEN = {
    "parameters in a list": (
        "        self.heads = [nn.Linear(classes, classes)]",
        "        return F.cross_entropy(self.heads[0](logits.float().cpu()), targets.cpu())",
        "parameters_train",
        "nn.ModuleList",
    ),
    "a buffer that its first call makes": (
        "        self.mean = None",
        """
        loss = F.cross_entropy(logits.float(), targets)
        if self.mean is None:
            del self.mean
            self.register_buffer("mean", loss.detach())
        return loss
""",
        "loss_state_resumes",
        "in __init__",
    ),
    "a state that no file holds": (
        "        self.seen = set()",
        """
        return F.cross_entropy(logits.float(), targets)

    def get_extra_state(self):
        return self.seen

    def set_extra_state(self, seen):
        self.seen = seen
""",
        "loss_state_resumes",
        "register_buffer",
    ),
}


def results(install: Callable[[str, str], None], name: str, init: str, forward: str) -> dict:
    install(name, PLUGIN.format(name=name, init=init, forward=forward))
    found = {}
    for check in checks(name):
        if check.component == f"loss:{name}.own":
            try:
                check.run()
            except (CheckFailed, NotApplicable) as failure:
                found[check.name] = str(failure)
    return found


def test_a_loss_that_learns_and_keeps_a_state_passes_every_check(install) -> None:
    assert results(install, "sound", *SOUND) == {}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_the_host_cannot_train_or_keep_is_told_with_the_way_out(install, fault: str) -> None:
    init, forward, check, advice = BROKEN[fault]
    found = results(install, f"broken{list(BROKEN).index(fault)}", init, forward)
    assert advice in found[check]
