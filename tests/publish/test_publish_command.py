"""`solatium publish`: what it prints, what it refuses, and that it keeps passwords to itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import postgres
import pytest
from harness import Nights

from solatium.cli import app
from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.publish import publishing
from solatium.publish.passwords import shown, without_passwords
from solatium.publish.pseudonyms import names_of
from solatium.secrets import masked

Command = Callable[..., tuple[int, str, str]]
SECRET = "hunter2"


@pytest.fixture
def warehouse(embedded_session: Engine, after_two_nights: Nights) -> Path:
    return after_two_nights.warehouse


@pytest.fixture
def command(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command: its exit status, what it printed, and what went wrong."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            app.main(["publish", "--warehouse", str(warehouse), *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(end.value.code or 0), said.out, said.err

    return call


def test_it_says_what_was_sent(command: Command, tmp_path: Path) -> None:
    arguments = ("--to", tmp_path / "star.duckdb", "--key-file", tmp_path / "key")
    status, out, _ = command(*arguments)
    assert status == 0
    assert "fact_participation" in out
    assert "rows sent, all of it: it is the first publishing" in out
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    status, out, _ = command(*arguments)
    assert (status, out.count("\n")) == (0, 1)
    assert out.endswith("which was there already\n")


# Names of accounts


def test_accounts_need_a_key_or_a_word(command: Command, tmp_path: Path) -> None:
    status, _, err = command("--to", tmp_path / "star")
    assert status == 2
    assert "give --key-file FILE" in err
    assert "--with-accounts" in err
    status, _, err = command("--to", tmp_path / "star", "--with-accounts", "--key-file", "key")
    assert (status, "give one of the two" in err) == (2, True)
    assert not (tmp_path / "star").exists()
    assert command("--to", tmp_path / "star", "--with-accounts")[0] == 0


def test_a_key_is_kept_and_stays_its_owners(tmp_path: Path) -> None:
    place = tmp_path / "key"
    names = names_of(place, with_accounts=False)
    assert names == names_of(place, with_accounts=False)
    assert names.key is not None
    assert len(names.key) == 32
    assert names != names_of(tmp_path / "other", with_accounts=False)
    place.chmod(0o640)
    with pytest.raises(UsageError, match=r"others than its owner(.|\n)*chmod 600"):
        names_of(place, with_accounts=False)


@pytest.mark.parametrize("text", ["", "secret", "ab" * 31, "é" * 64])
def test_a_file_that_has_no_key(text: str, tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text(text)
    place.chmod(0o600)
    with pytest.raises(UsageError, match="expected 64 hexadecimal digits"):
        names_of(place, with_accounts=False)


# Targets


@pytest.mark.parametrize(
    ("to", "schema", "said"),
    [
        ("mysql://host/db", None, "expected postgresql://"),
        ("s3://bucket/star", None, "expected postgresql://"),
        ("star", "sales", "only PostgreSQL has schemas"),
        ("star.duckdb", "sales", "only PostgreSQL has schemas"),
        ("no/such/folder/star.duckdb", None, "in a folder that exists"),
        ("postgresql://host/db", "", "expected a name of 1 to 63 bytes"),
        ("postgresql://host/db", "ü" * 32, "expected a name of 1 to 63 bytes"),
        ("postgresql://host/db", "a\nb", "expected a name of 1 to 63 bytes"),
        ("postgresql://host/db", "pg_catalog", "none of PostgreSQL's own"),
    ],
)
def test_what_cannot_be_a_target(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    to: str,
    schema: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [] if schema is None else ["--schema", schema]
    status, _, err = command("--to", to, "--with-accounts", *options)
    assert (status, said in err) == (2, True), err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(command: Command, tmp_path: Path) -> None:
    place = tmp_path / "notes.db"
    place.write_text("not a database" * 1000)
    status, _, err = command("--to", place, "--with-accounts")
    assert (status, "expected a DuckDB file" in err) == (2, True), err
    assert place.read_text().startswith("not a database")


def test_a_file_in_the_place_of_a_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "star").write_text("")
    status, _, err = command("--to", tmp_path / "star", "--with-accounts")
    assert (status, "expected a folder" in err) == (2, True), err


# Passwords


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/db",
        f"postgresql://me:{SECRET}@127.0.0.1:port/db",
        f"postgresql://me:%zz{SECRET}@127.0.0.1:1/db",
        f"postgresql://me:{SECRET}@127.0.0.1:1/db?bogus=1",
        f"postgresql://127.0.0.1:1/db?user=me&password={SECRET}",
        f"mysql://me:{SECRET}@host/db",
    ],
)
def test_no_error_shows_a_password(command: Command, url: str) -> None:
    status, out, err = command("--to", url, "--with-accounts")
    assert status == 2
    assert SECRET not in out + err


def test_nor_does_an_error_that_nobody_foresaw(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://me:{SECRET}@127.0.0.1:1/db"

    def breaks(*_: object) -> None:
        raise RuntimeError(f"cannot reach {url}")

    monkeypatch.setattr(publishing, "publish_snapshot", breaks)
    monkeypatch.setattr(sys, "argv", ["solatium", "publish", "--to", url])
    status, _, err = command("--to", url, "--with-accounts")
    assert status == 1
    assert "me:***@127.0.0.1" in err
    traceback = Path(err.split("the traceback is in ")[1].strip())
    assert SECRET not in err + traceback.read_text()
    traceback.unlink()


@pytest.mark.parametrize(
    ("text", "as_shown"),
    [
        ("postgresql://me:a@b:c@host:5/db", "postgresql://me:***@host:5/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db?sslpassword=x&a=b", "postgresql://host/db?sslpassword=***&a=b"),
    ],
)
def test_what_people_see_of_a_url(text: str, as_shown: str) -> None:
    assert shown(text) == as_shown


def test_a_password_is_masked_however_it_is_written() -> None:
    url = "postgresql://me:s%40c@host/db"
    assert without_passwords("s@c and s%40c", url) == "*** and ***"
    said = "cannot reach {} by http://host:80/"
    assert masked(said.format(url)) == said.format("postgresql://me:***@host/db")


def test_nothing_of_a_password_is_kept(command: Command, postgres_url: str, tmp_path: Path) -> None:
    status, out, err = command("--to", postgres_url, "--schema", "kept", "--with-accounts")
    assert status == 0, err
    written = tmp_path / "dump"
    dump = [postgres_program("pg_dump"), f"--dbname={postgres_url}", "--schema=kept"]
    ended = subprocess.run([*dump, f"--file={written}"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "fact_participation" in written.read_text()
    assert postgres.PASSWORD not in out + err + written.read_text()


def test_a_password_may_come_from_the_environment(
    command: Command, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = "postgresql://postgres@" + postgres_url.split("@", 1)[1]
    arguments = ("--to", bare, "--schema", "bare", "--with-accounts")
    status, _, err = command(*arguments)
    assert (status, "password" in err) == (2, True), err
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    assert command(*arguments)[0] == 0


def test_a_right_that_is_missing(command: Command, postgres_url: str) -> None:
    """Rights are PostgreSQL's: the error says which, and nothing is changed."""
    run = [postgres_program("psql"), "--quiet", f"--dbname={postgres_url}", "--command"]
    subprocess.run([*run, "create role reader login password 'pass'"], check=True)
    url = "postgresql://reader:pass@" + postgres_url.split("@", 1)[1]
    status, _, err = command("--to", url, "--schema", "refused", "--with-accounts")
    assert (status, "permission denied for database" in err) == (1, True), err


def postgres_program(name: str) -> str:
    folder = postgres.programs()
    assert folder is not None
    return str(folder / name)


def test_a_file_of_duckdb_can_be_read_by_everyone(command: Command, tmp_path: Path) -> None:
    place = tmp_path / "star.duckdb"
    assert command("--to", place, "--with-accounts")[0] == 0
    with duckdb.connect(str(place), read_only=True) as connection:
        [[number]] = connection.execute("select count(*) from fact_participation").fetchall()
    assert number > 0
