"""The times that a training has to end in fit into one another."""

from __future__ import annotations

from shared.runtime.app import SHARE_TO_FINISH
from shared.runtime.worker import LONGEST_PAUSE_S
from svc_train.adapters import processes
from svc_train.child import termination
from svc_train.domain.checkpoints import Keep
from svc_train.recipes.training.knobs import CommonConfig
from svc_train.settings import TrainSettings
from svc_train.use_cases.checkpoints import LAST_UPLOAD_S
from svc_train.use_cases.follow import WINDOW_S


def test_a_training_leaves_its_last_checkpoint_before_it_is_killed():
    assert termination.GRACE_S + 0.5 <= processes.GRACE_S


def test_a_service_that_stops_waits_for_the_last_checkpoint():
    drain_s = TrainSettings.model_fields["drain_seconds"].default
    assert drain_s * (1 - SHARE_TO_FINISH) >= processes.GRACE_S + LAST_UPLOAD_S + 1


def test_a_cancelled_training_ends_within_10_s():
    assert LONGEST_PAUSE_S + WINDOW_S + processes.GRACE_S <= 10


def test_what_is_kept_without_a_word_is_what_the_hyperparameters_say():
    config = CommonConfig()
    assert Keep() == Keep(last=config.keep_last, best=config.keep_best) == Keep.of({})
