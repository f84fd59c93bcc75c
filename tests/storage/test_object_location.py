"""Places in an object store: what a room asks of a location, and which URIs are refused."""

from __future__ import annotations

from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from object_store import SECRET, ObjectStore

from solatium.errors import StoreError, UsageError
from solatium.secrets import masked
from solatium.storage.local import LocalLocation
from solatium.storage.location import Location, shown
from solatium.storage.parquet import rows_read

# URIs


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("s3a://bucket/a/b/", "s3://bucket/a/b"),
        ("s3://bucket", "s3://bucket"),
        ("gs://bucket/dt=2026-03-10", "gs://bucket/dt=2026-03-10"),
        ("abfss://box@mine.dfs.core.windows.net/a", "abfss://box@mine.dfs.core.windows.net/a"),
    ],
)
def test_stores_are_named_by_their_uris(uri: str, named: str) -> None:
    assert str(Location.parse(uri)) == named


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIA1:hush/hush@bucket/a",
        "s3://AKIA1:hush@bucket/a",
        "s3://hush@bucket/a",
        "s3://AKIA1:hush/hush",
        "s3://bucket/a?X-Amz-Signature=hush",
        "abfss://box:hush@mine.dfs.core.windows.net/a",
        "abfss://box@mine.dfs.core.windows.net/a?sig=hush",
        "gs://bucket/a#hush",
    ],
)
def test_a_uri_with_credentials_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(UsageError, match="without user, password") as refused:
        Location.parse(uri)
    assert refused.value.exit_status == 2
    assert "hush" not in str(refused.value)
    assert "AKIA1" not in str(refused.value)


def test_what_is_kept_of_a_uri_has_no_secret() -> None:
    assert shown("s3://k:a/b@bucket/logs?x=y") == "s3://...@bucket/logs?..."
    assert shown("s3://bucket/logs") == "s3://bucket/logs"
    assert shown("logs/a?b@c") == "logs/a?b@c"  # a local path is what it is


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("ftp://name/logs", "ftp locations are not handled yet"),
        ("hdfs:///logs", "expected hdfs://NAMESERVICE/PATH or hdfs://HOST:PORT/PATH"),
        ("hdfs://name:port/logs", "expected hdfs://NAMESERVICE/PATH"),
        ("s3://", "expected s3://BUCKET/PREFIX"),
        ("abfss://box/a", "expected abfss://CONTAINER@ACCOUNT"),
        ("s3://bucket/a b", "the name 'a b' in its path"),
        ("s3://bucket/a%20b", "the name 'a%20b' in its path"),
        ("s3://bucket/a//b", "the name '' in its path"),
        ("s3://bucket/a/../b", "the name '..' in its path"),
    ],
)
def test_what_is_not_handled_is_refused_by_name(uri: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Location.parse(uri)


def test_only_one_of_two_places_lies_within_the_other() -> None:
    outer, inner = Location.parse("s3://bucket/a"), Location.parse("s3a://bucket/a/b")
    assert inner.is_within(outer)
    assert outer.is_within(outer)
    assert inner.is_within(Location.parse("s3://bucket"))
    for other in (inner, Location.parse("s3://bucket2/a"), LocalLocation(Path("/a"))):
        assert not outer.is_within(other)
    assert not Location.parse("s3://bucket/ab").is_within(outer)
    assert not LocalLocation(Path("/a/b")).is_within(outer)


# Folders and files


@pytest.fixture
def place(store: ObjectStore) -> Location:
    return Location.parse(store.place("place"))


@pytest.fixture(params=["as it is", "as listed"])
def full(request: pytest.FixtureRequest, store: ObjectStore, place: Location) -> Location:
    """A folder with files and folders, looked at directly or by a listing of all of it."""
    for name in ("t/dt=1/b", "t/dt=1/a", "t/dt=1/sub/c", "t/_hidden/x", "t/dt=1/.crc", "u"):
        store.put(f"{place}/{name}", b"12")
    return place if request.param == "as it is" else place.listed()


def test_a_folder_is_what_names_begin_with(full: Location) -> None:
    assert full.names() == ["t", "u"]
    assert (full / "t").names() == ["_hidden", "dt=1"]
    assert [(full / name).is_folder() for name in ("t", "u", "t/dt=1", "gone")] == [
        True,
        False,
        True,
        False,
    ]
    assert [(full / name).exists() for name in ("t", "u", "gone")] == [True, True, False]
    assert (full / "gone").names() == []
    assert (full / "u").size() == 2
    with pytest.raises(FileNotFoundError):
        (full / "gone").size()


def test_data_files_are_listed_at_any_depth(full: Location) -> None:
    found = (full / "t").data_files()
    assert [one.path for one in found] == ["dt=1/a", "dt=1/b", "dt=1/sub/c"]
    assert {one.size for one in found} == {2}
    assert [one.path for one in full.data_files(lambda name: name == "dt=1")] == [
        "t/_hidden/x",
        "u",
    ]


def test_a_folder_that_is_no_data_is_asked_about_once(full: Location) -> None:
    asked: list[str] = []
    full.data_files(lambda name: bool(asked.append(name)))
    assert sorted(asked) == sorted(["t", "_hidden", "x", "dt=1", ".crc", "a", "b", "sub", "c", "u"])


def test_folders_that_were_made_by_hand_are_no_files(s3: ObjectStore) -> None:
    """Consoles and Hadoop put an empty object whose name ends with a slash."""
    import boto3

    place = Location.parse(s3.place("place"))
    bucket, _, key = str(place).removeprefix("s3://").partition("/")
    for name in ("", "t/", "t/dt=1/", "t/dt=2/"):
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{key}/{name}", Body=b"")
    s3.put(f"{place}/t/dt=1/a", b"")
    for seen in (place, place.listed()):
        assert seen.names() == ["t"]
        assert (seen / "t").names() == ["dt=1", "dt=2"]
        assert (seen / "t" / "dt=2").is_folder()
        assert [one.path for one in seen.data_files()] == ["t/dt=1/a"]


def test_a_listing_stays_as_it_was(store: ObjectStore, full: Location) -> None:
    listed = full.listed()
    store.put(f"{full}/late", b"")
    assert listed.names() == ["t", "u"]


def test_an_object_that_was_replaced_within_a_second_shows(s3: ObjectStore) -> None:
    place = Location.parse(s3.place("place"))
    seen = set()
    for content in (b"1", b"2", b"1"):
        s3.put(f"{place}/a", content)
        [file] = place.data_files()
        seen.add(file.modified_ns % 10**9)
    assert len(seen) == 2


# Reading and writing


def test_texts_are_created_once_and_replaced(place: Location) -> None:
    record = place / "_commits" / "1.json"
    record.create_text("ü")
    assert record.read_text() == "ü"
    record.create_text("ü")  # a create that is repeated, since its answer was lost
    with pytest.raises(FileExistsError):
        record.create_text("another's")
    assert record.read_text() == "ü"
    record.replace_text("b")
    assert (place / "_commits").read_texts(["1.json", "gone"]) == {"1.json": "b"}
    with pytest.raises(FileNotFoundError):
        (place / "gone").read_text()


def test_files_and_trees_are_removed_where_they_are(place: Location) -> None:
    for name in ("a", "t/b", "t/c/d", "tt"):
        (place / name).replace_text("x")
    (place / "a").remove_file()
    (place / "a").remove_file()
    (place / "t").remove_tree()
    (place / "gone").remove_tree()
    assert place.names() == ["tt"]


def test_files_are_moved_to_the_same_names_elsewhere(place: Location, tmp_path: Path) -> None:
    """Within a store, within this machine, and from one to the other."""
    here = LocalLocation(tmp_path)
    names = ["dt=2026-03-10/one", "two"]
    start = place / "start"
    for name in names:
        with (start / name).writing() as file:
            file.write(name.encode())
    for source, target in (
        (start, place / "end"),
        (place / "end", here / "near"),
        (here / "near", here / "nearer"),
    ):
        source.move_files(names, target)
        assert not any((source / name).exists() for name in names)
        assert [(target / name).read_text() for name in names] == names


def test_a_parquet_file_is_read_in_ranges_and_in_full(place: Location) -> None:
    rows = pa.table({"a": list(range(100_000)), "b": ["x"] * 100_000})
    with (place / "f.parquet").writing() as file:
        pq.write_table(rows, file, row_group_size=10_000)
    assert rows_read(place / "f.parquet") == 100_000
    with (place / "f.parquet").reading() as file:
        assert pq.ParquetFile(file).read(["b"]).num_rows == 100_000
    with (place / "f.parquet").reading() as file:
        digest = file_digest(file, "sha256").hexdigest()
        file.seek(0)
        assert digest == sha256(file.read()).hexdigest()


def test_what_fails_while_it_is_written_is_not_there(place: Location) -> None:
    with suppress(ZeroDivisionError), (place / "half").writing() as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert not (place / "half").exists()


def test_a_file_that_is_replaced_while_it_is_read_is_reported(
    store: ObjectStore, place: Location
) -> None:
    store.put(f"{place}/a", b"1" * 3_000_000)
    with (place / "a").reading() as file:
        file.read(10)
        store.put(f"{place}/a", b"2" * 3_000_000)
        with pytest.raises(StoreError, match="it was replaced while it was read"):
            file.read()


@pytest.mark.parametrize("name", ["a b", "100%25", "[x]{y}", "ü#?*", "a+b:c"])
def test_odd_names_are_read_and_lent(
    store: ObjectStore, place: Location, tmp_path: Path, name: str
) -> None:
    if ":" in name and str(place).startswith("hdfs:"):
        pytest.skip("a name there has no colon")
    store.put(f"{place}/{name}", b"odd")
    assert place.names() == [name]
    assert (place / name).read_text() == "odd"
    (place / name).lend_to(LocalLocation(tmp_path / "lent"))
    assert (tmp_path / "lent").read_bytes() == b"odd"


# What a store refuses


def test_a_bucket_that_is_not_there_is_reported(s3: ObjectStore) -> None:
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/a: .*NoSuchBucket.*\n.*bucket"):
        Location.parse("s3://no-such-bucket/a").names()


def test_a_store_that_cannot_be_reached_is_reported_without_secrets(
    s3: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from solatium.storage import buckets

    monkeypatch.setattr(buckets, "_RETRIES", {"max_retries": 0})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    place = Location.parse("s3://rush/a")
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL") as reported:
        place.names()
    assert SECRET not in str(reported.value)
    assert reported.value.__cause__ is None


def test_what_is_printed_or_kept_has_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores repeat the key that they refuse."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AZURE_STORAGE_SAS_TOKEN"):
        monkeypatch.setenv(name, f"hush-{name.lower()}")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    text = "<Key>hush-aws_access_key_id</Key>hush-azure_storage_sas_token, eu-west-1"
    assert masked(text) == "<Key>***</Key>***, eu-west-1"
