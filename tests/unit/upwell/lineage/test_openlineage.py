"""OpenLineage events: what the specification asks for, read back by OpenLineage's own client, and what they say."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import attr
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from tests.unit.upwell.lineage.pieces import LABELS, MODEL, RUN, SERIES, chain, edge, node
from upwell.lineage.graph import Piece, piece_of
from upwell.lineage.openlineage import openlineage

SPECIFIED = json.loads((Path(__file__).parent / "openlineage_2_0_2.json").read_text())
OURS = json.loads(files("upwell.lineage").joinpath("facets.json").read_text())
# The client's classes are generated from the published specification.
STANDARD_FACETS: dict[str, Any] = {
    "nominalTime": facet_v2.nominal_time_run.NominalTimeRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
    "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}
OUR_FACETS = {"upwell_trainingRun": "TrainingRunFacet", "upwell_reviews": "ReviewsDatasetFacet"}


def check(instance: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(instance)


def events_of(piece: Piece) -> list[dict[str, Any]]:
    """The events, each of them checked."""
    events = list(openlineage(piece))
    for event in events:
        check(event, SPECIFIED)
        assert as_the_client_writes_it(event) == without_nothing(event)
    return events


def as_the_client_writes_it(event: dict[str, Any]) -> Any:
    """The event built of the client's classes, which refuse what they do not know, and written again."""
    rest = {
        name: value for name, value in event.items() if name not in {"run", "job", "inputs", "outputs", "eventType"}
    }
    url = rest.pop("schemaURL")
    built = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        run=built_of(event_v2.Run, event["run"]),
        job=built_of(event_v2.Job, event["job"]),
        inputs=[built_of(event_v2.InputDataset, used) for used in event["inputs"]],
        outputs=[built_of(event_v2.OutputDataset, made) for made in event["outputs"]],
        **rest,
    )
    assert built.schemaURL == url
    return without_nothing(Serde.to_dict(built))


def built_of(kind: Any, values: dict[str, Any]) -> Any:
    grouped = {name: facets_of(value) for name, value in values.items() if name.lower().endswith("facets")}
    return kind(**{**values, **grouped})


def facets_of(group: dict[str, Any]) -> dict[str, Any]:
    """Standard facets as objects; ours checked against what they say their schema is."""
    built = {}
    for name, facet in group.items():
        if name in OUR_FACETS:
            reference = f"{OURS['$id']}#/$defs/{OUR_FACETS[name]}"
            assert facet["_schemaURL"] == reference
            check(facet, {**OURS, "$ref": f"#/$defs/{OUR_FACETS[name]}"})
            built[name] = facet
        else:
            kind = STANDARD_FACETS[name]
            values = {key: value for key, value in facet.items() if not key.startswith("_")}
            if "fields" in values:
                part = facet_v2.schema_dataset.SchemaDatasetFacetFields
                values["fields"] = [part(**field) for field in values["fields"]]
            assert facet["_schemaURL"] == kind._get_schema()
            built[name] = kind(**values, producer=facet["_producer"])
            assert attr.asdict(built[name])["_schemaURL"] == facet["_schemaURL"]
    return built


def without_nothing(value: Any) -> Any:
    """Without empty lists and objects, which the client's classes add, and nulls, which they leave out."""
    if isinstance(value, dict):
        inside = {name: without_nothing(part) for name, part in value.items()}
        return {name: part for name, part in inside.items() if part not in ({}, [], None)}
    if isinstance(value, list):
        return [without_nothing(part) for part in value if part is not None]
    return value


def by_job(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event["job"]["name"]: event for event in events}


def test_a_chain_is_an_event_for_each_thing_that_was_done():
    events = events_of(chain())
    jobs = [event["job"]["name"] for event in events]
    assert sorted(jobs) == [
        "predict/detector",
        "svc_ingest/泵-7",
        "svc_label/labels",
        "train/series-lm/detector",
        "train/series-lm/detector",
    ]
    assert jobs.index("svc_ingest/泵-7") < jobs.index("svc_label/labels") < jobs.index("train/series-lm/detector")
    assert jobs[-1] == "predict/detector"
    assert {event["eventType"] for event in events} == {"COMPLETE"}
    assert len({event["run"]["runId"] for event in events}) == len(events)


def test_inputs_and_outputs_are_one_set_of_names():
    events = by_job(events_of(chain()))
    ingested, labelled = events["svc_ingest/泵-7"], events["svc_label/labels"]
    assert [(one["namespace"], one["name"]) for one in ingested["inputs"]] == [("file", "泵.csv")]
    assert [one["name"] for one in labelled["inputs"]] == ["dataset/泵-7", "reviews/" + "d" * 64]
    (series,) = ingested["outputs"]
    assert series["facets"] == labelled["inputs"][0]["facets"]
    assert series["facets"]["version"]["datasetVersion"] == "3"
    assert [field["name"] for field in series["facets"]["schema"]["fields"]] == ["温度", 'pressure "bar"']
    assert series["outputFacets"]["outputStatistics"]["rowCount"] == 100
    assert (
        labelled["outputs"][0]["outputFacets"]["outputStatistics"] | {"rowCount": 3, "size": 10}
        == (labelled["outputs"][0]["outputFacets"]["outputStatistics"])
    )
    assert labelled["inputs"][1]["facets"]["upwell_reviews"]["reviewers"] == [
        {"name": "rita", "approvedCount": 2},
        {"name": "丽塔", "approvedCount": 1},
    ]


def test_a_training_run_says_how_it_trained():
    (event,) = [event for event in openlineage(chain()) if event["run"]["runId"] == RUN.partition("/")[2]]
    facet = event["run"]["facets"]["upwell_trainingRun"]
    assert facet["recipe"] == "series-lm"
    assert facet["base"] == {"name": "tiny-qwen", "digest": "b" * 64}
    assert facet["metrics"] == {"f1": 0.5, "loss": 1.25}
    assert facet["hyperparameters"]["nested"] == {"a": [1, None]}
    assert (facet["totalSteps"], facet["tokens"]) == (40, 123456)
    assert '"totalSteps": 40,' in json.dumps(facet)
    assert event["eventTime"] == "2026-11-27T08:10:00Z"
    assert event["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-11-27T08:00:00+00:00"
    assert [one["name"] for one in event["inputs"]] == ["base/tiny-qwen", "dataset/labels"]
    assert [(one["name"], one["facets"]["datasetType"]["datasetType"]) for one in event["outputs"]] == [
        ("model/detector", "MODEL")
    ]


def test_a_stage_uses_the_version_before_it():
    (event,) = [
        event
        for event in openlineage(chain())
        if event["run"]["facets"].get("upwell_trainingRun", {}).get("parent") == "detector@1"
    ]
    assert [(one["name"], one["facets"]["version"]["datasetVersion"]) for one in event["inputs"]] == [
        ("dataset/labels", "1"),
        ("model/detector", "1"),
    ]


def test_the_order_of_an_answer_changes_nothing():
    assert len({json.dumps(list(openlineage(chain(seed)))) for seed in range(5)}) == 1


def test_without_facts_events_are_bare_and_still_valid():
    bare = piece_of(
        MODEL,
        [node(SERIES), node(LABELS, "labels@1"), node(RUN), node(MODEL, "detector@1"), node("source/x", seen=False)],
        [edge("source/x", SERIES), edge(SERIES, LABELS), edge(LABELS, RUN), edge(RUN, MODEL)],
    )
    events = events_of(bare)
    assert [event["eventTime"] for event in events] == ["1970-01-01T00:00:00Z"] * 3
    assert [event["job"]["name"] for event in events] == ["make/泵-7", "make/labels", "train/unknown/detector"]
    assert events[0]["inputs"][0]["name"] == "source/x"


def test_a_prediction_of_an_older_release_is_as_old_as_what_it_used():
    piece = piece_of(
        "prediction/p",
        [node("prediction/p", "detector@1 on a@1"), node(SERIES, made_at="2026-01-01T00:00:00.5Z"), node(MODEL)],
        [edge(SERIES, "prediction/p"), edge(MODEL, "prediction/p")],
    )
    (event,) = events_of(piece)
    assert event["eventTime"] == "2026-01-01T00:00:00.500000Z"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("source/file:a/b c.csv", ("file", "a/b c.csv")),
        ("source/iotdb://host:6667/root.泵", ("iotdb://host:6667", "/root.泵")),
        ("source/somewhere", ("upwell", "source/somewhere")),
    ],
)
def test_where_sources_lie(key, place):
    (event,) = events_of(piece_of(SERIES, [node(key), node(SERIES)], [edge(key, SERIES)]))
    assert (event["inputs"][0]["namespace"], event["inputs"][0]["name"]) == place


def test_a_circle_and_a_long_chain_end():
    circle = piece_of("run/a", [node("run/a"), node("model/a")], [edge("run/a", "model/a"), edge("model/a", "run/a")])
    assert len(events_of(circle)) == 1
    keys = [key for number in range(2000) for key in (f"run/{number:04}", f"model/{number:04}")]
    long = piece_of(keys[-1], map(node, keys), [edge(*pair) for pair in pairwise(keys)])
    assert len(list(openlineage(long))) == 1999


def test_what_is_wrong_is_found():
    (event, *_) = openlineage(chain())
    for wrong in ({**event, "eventType": "DONE"}, {**event, "run": {"runId": "x"}}, {**event, "more": 1}):
        with pytest.raises(Exception, match=r"DONE|uuid|more"):
            check(wrong, SPECIFIED)
