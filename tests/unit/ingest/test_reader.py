"""Which source reads a file, and what it may be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError
from svc_ingest.adapters.reader import SourceReader
from svc_ingest.domain.jobs import IngestJob, Origin, job_from_json
from svc_ingest.domain.made import Made
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.read_options import read_options
from svc_ingest.sources import base, csv
from svc_ingest.wire import source_message

NEVER: Callable[[], bool] = lambda: False  # noqa: E731


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockParameters:
    size: int = parameter(4, low=1, high=9)


class BlockSource:
    name = "blocks"
    suffixes = (".blk",)
    kind = "blocks/v1"
    parameters = BlockParameters

    def make(self, path: Path, parameters: BlockParameters, folder: Path, must_stop: Callable[[], bool]) -> Made:
        return Made(kind=self.kind, files={}, rows=path.stat().st_size // parameters.size)


class PlainSource:
    """Reads series as `csv` does, and says no more of itself than it has to."""

    name = "plain"
    suffixes = (".txt",)

    def read(self, path: Path, options: ReadOptions, scratch: Path) -> base.Reading:
        return csv.SOURCE.read(path, options, scratch)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> SourceReader:
    find, own = base.find_source, {"blocks": BlockSource(), "plain": PlainSource()}
    monkeypatch.setattr("svc_ingest.adapters.reader.find_source", lambda name: own.get(name) or find(name))
    return SourceReader()


def test_a_dataset_source_is_given_its_parameters_checked(reader: SourceReader, tmp_path: Path) -> None:
    path = tmp_path / "a.blk"
    path.write_bytes(b"12345678")
    assert reader.choose("blocks", "a.blk", ReadOptions(), {"size": 2.0}) == "blocks"
    for chosen, rows in (({}, 2), ({"size": 2.0}, 4)):
        job = IngestJob(
            name="a", source="blocks", origin=Origin.STREAM, path="a.blk", options=ReadOptions(), parameters=chosen
        )
        assert job_from_json(job.to_json()) == job
        assert ("parameters" in job.to_json()) is bool(chosen)
        assert reader.make(job, path, tmp_path, NEVER).rows == rows


def test_sources_need_no_summary(reader: SourceReader, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"time,a\n2024-01-01,2\n2024-01-02,3\n")
    job = IngestJob(name="a", source="plain", origin=Origin.STREAM, path="a.txt", options=ReadOptions(), parameters={})
    assert reader.make(job, path, tmp_path, NEVER).rows == 2
    messages = [source_message(source) for source in (PlainSource(), BlockSource(), csv.SOURCE)]
    assert [one.makes for one in messages] == ["series/v1", "blocks/v1", "series/v1"]
    assert [one.summary for one in messages] == ["", "", csv.SOURCE.summary]


@pytest.mark.parametrize(
    ("source", "options", "parameters", "says"),
    [
        ("blocks", {}, {"sice": 2}, r"parameters\.sice: there is no such parameter; did you mean 'size'"),
        ("blocks", {}, {"size": 10}, r"parameters\.size: 10 is out of range: use 1 to 9"),
        ("chat", {}, {"size": 1}, r"parameters\.size: there is no such parameter: none is taken here"),
        ("csv", {}, {"size": 1}, r"parameters\.size: 'csv' reads series and has options, no parameters"),
        (
            "chat",
            {"layout": "wide", "downsample_to": 9},
            {},
            r"options\.layout: is for series, not for 'chat'; options\.downsample_to: is for series",
        ),
    ],
)
def test_what_a_source_does_not_take_is_refused_before_anything_is_read(
    reader: SourceReader, source: str, options: dict, parameters: dict, says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        reader.choose(source, "any", read_options(**options), parameters)
