"""Names, references, manifests, ids, lineage keys and the fate of failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical import canonical_json, digest_of, sha256_hex
from shared.contracts.fate import ATTEMPTS, MAX_DELAY_S, Verdict, decide, jittered_delay
from shared.contracts.ids import check_id, derived_id
from shared.contracts.lineage import dataset_key, node_type
from shared.contracts.manifest import FileEntry, Manifest, parse_manifest, safe_path
from shared.contracts.names import parse_dataset_reference, parse_reference
from shared.errors import (
    IntegrityError,
    InvalidInputError,
    NotFoundError,
    RetryableError,
    UnavailableError,
)

DIGEST = "0" * 64


@pytest.mark.parametrize(
    ("text", "name", "version", "alias"),
    [
        ("pump-7", "pump-7", None, None),
        ("pump-7@3", "pump-7", 3, None),
        ("pump-7:champion", "pump-7", None, "champion"),
        ("泵-7@12", "泵-7", 12, None),
    ],
)
def test_references(text: str, name: str, version: int | None, alias: str | None) -> None:
    reference = parse_reference("model", text)
    assert (reference.name, reference.version, reference.alias) == (name, version, alias)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text", ["", "@3", "a@", "a@0", "a@-1", "a@x", "a@3@4", "a:b:c", "a/b", "../a", "a b", "a@٣", "x" * 101]
)
def test_references_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_reference("model", text)
    assert caught.value.violations[0].field == "model"


def test_datasets_have_no_aliases() -> None:
    with pytest.raises(InvalidInputError, match="no aliases"):
        parse_dataset_reference("dataset", "pump:champion")


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
def test_equal_values_have_equal_digests(value: dict[str, object]) -> None:
    shuffled = dict(reversed(value.items()))
    assert digest_of(value) == digest_of(shuffled)


def test_canonical_json_refuses_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": float("nan")})


def manifest(**changes: object) -> Manifest:
    entry = FileEntry(path="series.parquet", sha256=DIGEST, size_bytes=3, media_type="x/y")
    values = {
        "kind": "series/v1",
        "files": (entry,),
        "meta": {"rows": 3},
        "parents": ("source/b", "source/a"),
        **changes,
    }
    return Manifest(**values)  # type: ignore[arg-type]


def test_manifest_round_trip() -> None:
    made = manifest()
    again = parse_manifest(made.to_bytes(), made.digest)
    assert again.to_bytes() == made.to_bytes()
    assert again.file("series.parquet").size_bytes == 3


def test_the_order_of_parents_and_files_is_no_content() -> None:
    assert manifest(parents=("source/a", "source/b")).digest == manifest().digest


def test_a_damaged_manifest_is_refused() -> None:
    made = manifest()
    with pytest.raises(IntegrityError, match="damaged"):
        parse_manifest(made.to_bytes().replace(b"3", b"4"), made.digest)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"schema":"other/v9"}',
        b'{"schema":"upwell.manifest/v1","kind":"x","files":[{}],"meta":{},"parents":[]}',
    ],
)
def test_bytes_that_are_no_manifest(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_manifest(data, sha256_hex(data))


def test_a_manifest_names_the_file_it_lacks() -> None:
    with pytest.raises(IntegrityError, match=r"no file 'x'.*series\.parquet"):
        manifest().file("x")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a\\b", "a//b", "./a", "a\0b"])
def test_paths_that_leave_the_folder(path: str) -> None:
    with pytest.raises(InvalidInputError):
        safe_path(path)


def test_ids() -> None:
    assert derived_id("a", "b") == derived_id("a", "b")
    assert derived_id("a", "b") != derived_id("ab", "")
    assert check_id("run_id", "run-1.x") == "run-1.x"
    with pytest.raises(InvalidInputError):
        check_id("run_id", "../x")


def test_lineage_keys_tell_their_type() -> None:
    assert node_type(dataset_key("泵", DIGEST)) == "dataset"
    with pytest.raises(InvalidInputError, match="source, dataset"):
        node_type("nonsense/x")


def test_permanent_errors_die_at_once() -> None:
    assert decide(NotFoundError("x"), spent=1).verdict is Verdict.DEAD


def test_retryable_errors_are_tried_until_attempts_are_spent() -> None:
    verdicts = [decide(RetryableError("x"), spent=spent).verdict for spent in range(1, ATTEMPTS + 1)]
    assert verdicts == [Verdict.RETRY] * (ATTEMPTS - 1) + [Verdict.DEAD]


def test_unknown_errors_are_tried_again() -> None:
    assert decide(KeyError("x"), spent=1).verdict is Verdict.RETRY


@given(st.integers(0, 100_000))
def test_a_dependency_that_is_down_never_kills(excused: int) -> None:
    fate = decide(UnavailableError("x"), spent=99, excused=excused)
    assert fate.verdict is Verdict.EXCUSE
    assert 0 < fate.delay_s <= MAX_DELAY_S * 1.2


def test_delays_grow() -> None:
    assert jittered_delay(0) < jittered_delay(3) < jittered_delay(6)
