"""Pages from templates: what a run's and a study's page have in common.

A page is one file that loads nothing. Those of runs and studies have no script; that of the label
audit has one, which its Content-Security-Policy names by its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from toolkit.report import words


def rendered(
    package: str,
    facts: Mapping[str, Any],
    filters: Mapping[str, Callable[..., Any]] | None = None,
    template: str = "page.html.jinja",
) -> str:
    """The text of the page whose template is a file of a package."""
    text = files(package).joinpath(template).read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader({"page": text}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": words.score_text,
        "seconds": words.seconds_text,
        "breakable": words.breakable,
        **(filters or {}),
    }
    css = files("toolkit.report").joinpath("page.css").read_text(encoding="utf-8")
    return environment.get_template("page").render(css=Markup(css), **facts)
