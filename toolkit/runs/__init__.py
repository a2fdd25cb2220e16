"""Run folders: names, atomic writes, manifest, locks, resume."""
