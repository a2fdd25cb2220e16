"""Plug-in core: hooks, registry, schema from signature, host."""
