"""Names and version of the plugin interface."""

from __future__ import annotations

PROJECT = "toolkit"
"""Of the hooks, and of the entry-point group."""

BUILTIN = "toolkit"
"""Name of plugin zero, which offers what is in the box."""

PLUGIN_API = 1
"""Version of what plugins build on: hooks, `register`, what factories are given and must return.
It grows only where a plugin that is written for the last one would break."""
