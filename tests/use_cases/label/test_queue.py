"""The queue: filters, picks in SQL beside the domain's own, the random arm, numbers of versions."""

from __future__ import annotations

import itertools

import pytest

from shared.errors import NotFoundError
from svc_label.adapters import candidates as sql
from svc_label.domain.picking import Pick
from svc_label.domain.queue import CandidateFilter, pick_from_queue
from svc_label.domain.reviews import Decision
from svc_label.use_cases.queue import Question
from tests.use_cases.label.world import World


@pytest.fixture
def full(world: World) -> World:
    """Two series with 60 candidates each, a third of them decided; stripes of equal confidence in both."""
    for name in ("pump", "fan"):
        world.add_series(name)
        world.label(name, job_id=name, parameters={"count": 60, "width": 3})
    ids = world.ids("pump")
    world.approve("b-1", ids[:10])
    world.approve("b-2", ids[10:20], Decision.REJECTED)
    return world


FILTERS = (
    {},
    {"undecided_only": True},
    {"decision": Decision.REJECTED},
    {"min_confidence": 0.25, "max_confidence": 0.75},
    {"labeler": "nobody"},
)


@pytest.mark.parametrize("how", list(Pick))
def test_sql_picks_as_the_domain_does(full: World, monkeypatch, how):
    monkeypatch.setattr(sql, "STREAMED", 17)
    with full.store.reading() as tx:
        everything = tx.candidates.pick(CandidateFilter(), how=Pick.TOP, limit=1000, seed=0)
        assert len(everything) == 120
        for wanted, limit in itertools.product((CandidateFilter(**each) for each in FILTERS), (1, 7, 1000)):
            picked = tx.candidates.pick(wanted, how=how, limit=limit, seed=5)
            assert picked == pick_from_queue(everything, wanted, how=how, limit=limit, seed=5), (wanted, limit)


def test_a_dataset_narrows_and_the_total_counts_all_that_match(full: World):
    question = Question(dataset="pump@1", wanted=CandidateFilter(undecided_only=True), how=Pick.TOP, limit=5, seed=0)
    picked, total, versions = full.queue.ask(question, asked_by="alice")
    assert (len(picked), total) == (5, 40)
    assert [str(version) for version in versions.values()] == ["pump@1"]


def test_an_unknown_dataset_is_named(full: World):
    with pytest.raises(NotFoundError, match="pmup"):
        full.listed("pmup")


def test_a_dataset_without_candidates_has_an_empty_queue(full: World):
    full.add_series("quiet", rows=50)
    assert full.listed("quiet") == []


def test_a_version_shows_its_number_once_the_registry_has_given_it(full: World):
    full.label("pump", "doubling", job_id="doubling")
    question = Question(dataset="", wanted=CandidateFilter(labeler="doubling"), how=Pick.TOP, limit=5, seed=0)

    def shown() -> list[str]:
        return [str(version) for version in full.queue.ask(question, asked_by="alice")[2].values()]

    digest = full.listed(labeler="doubling")[0].candidate.dataset_digest
    assert shown() == [f"pump-doubling ({digest[:12]})"]
    full.catalogue.register("pump-doubling", digest, "series/v1")
    full.catalogue.is_up = False
    assert shown() == [f"pump-doubling ({digest[:12]})"]
    full.catalogue.is_up = True
    assert shown() == ["pump-doubling@1"]
    full.catalogue.is_up = False
    assert shown() == ["pump-doubling@1"]


def test_judgements_of_what_chance_showed_are_the_random_arm(full: World):
    drawn = full.ids("fan", how=Pick.RANDOM, limit=4, seed=9)
    full.ids("fan", how=Pick.TOP, limit=60, labeler="nobody")
    full.approve("drawn", drawn[:2])
    reviews = {item.candidate.id: item.review for item in full.listed("fan", decision=Decision.APPROVED)}
    assert {(review.pick, review.seed) for review in reviews.values()} == {(Pick.RANDOM, 9)}


@pytest.mark.parametrize(
    "shown_by",
    [
        {"how": Pick.TOP, "limit": 60},
        {"how": Pick.RANDOM, "limit": 60, "min_confidence": 0.5},
        {"how": Pick.STRATIFIED, "limit": 60},
    ],
)
def test_other_ways_to_a_candidate_are_not(full: World, shown_by):
    shown = full.ids("fan", how=Pick.RANDOM, limit=60)
    last = full.ids("fan", **shown_by)[0]
    full.approve("b", [last])
    [item] = full.listed("fan", decision=Decision.APPROVED)
    assert item.review.pick is (None if last in shown else Pick.RANDOM)
    assert item.review.pick is None
