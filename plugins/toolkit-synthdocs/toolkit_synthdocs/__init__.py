"""A drawn competition of documents: the table that the host reads, and nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register


@hookimpl
def toolkit_register(register: Register) -> None:
    """Offer `synthdocs.documents`."""
    register.source(
        "documents",
        "toolkit_synthdocs.source:documents",
        help="a competition that is drawn: 17 kinds of documents, 1,570 clean images to train on, "
        "3,140 degraded ones to predict",
    )
