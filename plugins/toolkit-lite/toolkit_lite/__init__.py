"""EfficientNet-Lite backbones: the table that the host reads, and nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register


@hookimpl
def toolkit_register(register: Register) -> None:
    """Offer `lite.efficientnet_lite0`, `1` and `2`."""
    register.backbone(
        "efficientnet_lite0",
        "toolkit_lite.backbones:efficientnet_lite0",
        help="EfficientNet-Lite0: 3.4M weights in its body, native size 224",
    )
    register.backbone(
        "efficientnet_lite1",
        "toolkit_lite.backbones:efficientnet_lite1",
        help="EfficientNet-Lite1: 4.1M weights in its body, native size 240",
    )
    register.backbone(
        "efficientnet_lite2",
        "toolkit_lite.backbones:efficientnet_lite2",
        help="EfficientNet-Lite2: 4.8M weights in its body, native size 260",
    )
