"""Document degradations of augraphy: the table that the host reads, and nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register


@hookimpl
def toolkit_register(register: Register) -> None:
    """Offer `augraphy.degrade`."""
    register.augmentation(
        "degrade",
        "toolkit_augraphy.degrade:degrade",
        help="ink, paper, copier and light of augraphy; best offline: [augment.offline]",
    )
