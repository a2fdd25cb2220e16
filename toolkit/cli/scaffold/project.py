"""The files of a new plugin package that make a project of it: its licence, and the tests that run
at every push."""

from __future__ import annotations

import subprocess

WORKFLOW = ".github/workflows/tests.yml"


def project_files(name: str, author: str, year: int) -> dict[str, str]:
    """Path in the package's folder to text.

    Args:
        author: who holds the copyright; empty for the authors of the plugin.
    """
    return {
        "LICENSE": _LICENSE.format(year=year, author=author or f"The {name}-plugin authors"),
        WORKFLOW: _WORKFLOW,
    }


def git_author() -> str:
    """The name that git writes into commits here; empty where there is none."""
    command = ["git", "config", "--get", "user.name"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):  # no git here
        return ""
    return " ".join(done.stdout.split())


_LICENSE = """\
MIT License

Copyright (c) {year} {author}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

# The wheels of torch for a CPU are a tenth of those that PyPI has for Linux.
_WORKFLOW = """\
name: tests

on:
  push:
  pull_request:

permissions:
  contents: read

jobs:
  tests:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        python: ["3.11", "3.12"]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: ${{ matrix.python }}
          cache: pip
          cache-dependency-path: pyproject.toml
      - run: pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu
      - run: pip install -e ".[test]"
      - run: toolkit plugins --check
      - run: python -m pytest
"""
