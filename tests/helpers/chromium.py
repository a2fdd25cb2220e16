"""Drives a headless Chromium over its debugging pipe: keys, clicks, downloads, what it tells."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds


class Browser:
    """One tab. `with Browser(program, profile) as browser: browser.open(file)`."""

    def __init__(self, program: str, scratch: Path) -> None:
        self.downloads = scratch / "downloads"
        self.downloads.mkdir()
        there, mine = os.pipe()
        back, theirs = os.pipe()
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={scratch / 'profile'}"]
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (there, theirs)]

        def place() -> None:
            """Chromium reads commands at descriptor 3 and answers at 4."""
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, pass_fds=(3, 4), preexec_fn=place, **quiet)
        for end in ends:
            os.close(end)
        os.close(there)
        os.close(theirs)
        self.write, self.read, self.rest, self.number = mine, back, b"", 0
        self.told: list[str] = []
        """What the pages said on the console, and what failed in them."""
        self.session = ""

    def __enter__(self) -> Browser:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        where = {"behavior": "allow", "downloadPath": str(self.downloads)}
        self.call("Browser.setDownloadBehavior", **where)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.write)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        asked: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session and not method.startswith("Browser."):
            asked["sessionId"] = self.session
        os.write(self.write, json.dumps(asked).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._next(until)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            found = os.read(self.read, 1 << 20)
            assert found, "the browser ended"
            self.rest += found
        line, _, self.rest = self.rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") in (
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ):
            self.told.append(json.dumps(event["params"])[:500])

    def open(self, file: Path) -> None:
        self.call("Page.navigate", url=file.as_uri())
        self.until("document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        until = time.monotonic() + PATIENCE
        while not self.ask(expression):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """A key, as from a keyboard: "a", "Enter", "ArrowDown"."""
        codes = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}
        facts: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0]))}
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def downloaded(self, name: str) -> str:
        """The text of a file that a page exported."""
        file, until = self.downloads / name, time.monotonic() + PATIENCE
        while not file.is_file() or not file.stat().st_size:
            assert time.monotonic() < until, f"{name} was not exported"
            time.sleep(0.05)
        return file.read_text(encoding="utf-8")
