"""A storage's password is used, and never written or shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.cli import run_command
from toolkit.errors import UserError
from toolkit.runs.address import has_secrets, redacted, without_secrets
from toolkit.tune.asked import Asked
from toolkit.tune.storage import check_url, open_storage, out_of_reach


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hunter2@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:hun%40ter2@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me:hun@ter2@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:hun?ter2@host/db", "postgresql://me:***@host/db"),
        ("mysql+pymysql://me:hun/ter2@host/db", "mysql+pymysql://me:***@host/db"),
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("unix://:hunter2@/tmp/socket?db=1", "unix://:***@/tmp/socket?db=1"),
        ("rediss://host?password=hunter2&db=1", "rediss://host?password=***&db=1"),
        (
            "postgresql://h/d?user=me&sslpassword=hunter2",
            "postgresql://h/d?user=me&sslpassword=***",
        ),
        ("postgresql:me:hunter2@host", "postgresql:me:***@host"),
        ("me:hunter2@host/db", "me:***@host/db"),
    ],
)
def test_a_password_is_hidden_wherever_an_address_has_it(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
    assert without_secrets(shown) == shown  # what is stored is recognized
    assert has_secrets(url)
    assert has_secrets(shown)
    text = redacted(f"cannot connect to {url}: hunter2 is wrong", url)
    assert "hunter2" not in text.replace("hunter2 is", "" if "hunter2" not in url else "hunter2 is")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@host:5432/db?options=a@b",
        "redis://host:6379/0",
        "journal:/mnt/a:b@c/study.journal",
        "sqlite:///a@b.db",
        "here",
    ],
)
def test_an_address_without_a_secret_is_shown_whole(url: str) -> None:
    assert without_secrets(url) == url
    assert not has_secrets(url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://me:hunter2@host/trials.db",
        "nonsense://me:hunter2@host/database",
        "postgresql+pg8000://me:hunter2@host:port/db",
        "redis://:hunter2@host:port",
        "me:",
    ],
)
def test_no_error_of_a_storage_shows_the_password(url: str, tmp_path: Path) -> None:
    def used() -> None:
        check_url(url)
        open_storage(url, tmp_path / "unused")

    with pytest.raises(UserError) as caught:
        used()
    assert "hunter2" not in str(caught.value)
    # nor does a traceback
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_error_on_the_way_quotes_no_password() -> None:
    url = "redis://:hunter2@host"
    error = out_of_reach(url, OSError(f"{url} does not answer: hunter2"))
    assert str(error).startswith("--storage redis://:***@host: cannot be used any more: ")
    assert "hunter2" not in str(error)


def test_what_was_asked_is_shown_without_its_address() -> None:
    assert "hunter2" not in repr(Asked(1, storage="redis://:hunter2@host"))


def test_the_dashboard_asks_for_the_password_that_is_not_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "tune-x-20260708-01234567"
    study.mkdir()
    facts = {"study": "01234567", "storage": "redis://:***@host"}
    (study / "study.json").write_text(json.dumps(facts))
    assert run_command(["tune", "--dashboard", "--runs", str(tmp_path)]) == 2
    assert "name it with --storage or in TOOLKIT_STORAGE" in capsys.readouterr().err
