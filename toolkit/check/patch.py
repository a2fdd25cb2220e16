"""What the doctor would change in a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from toolkit.check.findings import group_findings
from toolkit.check.near import NearFound
from toolkit.check.shift import Shift
from toolkit.check.sizes import Sizes
from toolkit.plugin.schema import toml_text
from toolkit.recipe.plan import Plan

_TURNED = {"skew", "lines", "top_heavy", "left_heavy"}


def patch_of(
    plan: Plan, near: NearFound, copies: bool, sizes: Sizes | None, shift: Shift | None
) -> Iterator[tuple[str, object]]:
    if (near.apart or copies) and plan.split.group != "auto":
        yield "split.group", "auto"
    for finding in group_findings(plan):
        yield "data.group_column", finding.text.rpartition('"')[0].rpartition('"')[2]
        break
    if sizes is not None and sizes.enlarged > 0.5 and sizes.fitting < plan.image.size:
        yield "image.size", sizes.fitting
    if sizes is not None and plan.image.fit == "crop" and sizes.cut > 0.3:
        yield "image.fit", "letterbox"
    turned = shift is not None and shift.apart and _TURNED & {told.name for told in shift.suffers}
    if turned and plan.choice("augment", "train").use in ("none", "light"):
        yield "augment.train.use", "document"


def patch_text(patch: Mapping[str, object]) -> str:
    """The proposed keys as TOML; empty where there is nothing to change."""
    parts = []
    for section, keys in groupby(sorted(patch), lambda key: key.rpartition(".")[0]):
        lines = [f"{key.rpartition('.')[2]} = {toml_text(patch[key])}" for key in keys]
        parts.append("\n".join([f"[{section}]", *lines]))
    return "\n\n".join(parts)
