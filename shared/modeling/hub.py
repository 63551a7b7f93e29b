"""Bases from the Hugging Face hub: the files that decide what a model computes, and the commit they are of."""

from __future__ import annotations

from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from shared.errors import InvalidInputError, UnavailableError
from shared.modeling.bases import CONFIG, TOKENIZER_FILES, WEIGHT_PATTERNS


def fetch(hub_id: str, revision: str, folder: Path) -> str:
    """Download a model into the folder; the commit that the revision stands for.

    Neither pickled weights nor code are among what is downloaded.

    Raises:
        InvalidInputError: there is no such model or revision, or it may not be had without asking its owner.
        UnavailableError: the hub does not answer.
    """
    api = HfApi()
    try:
        commit = str(api.model_info(hub_id, revision=revision).sha)
        api.snapshot_download(
            hub_id,
            revision=commit,
            local_dir=folder,
            allow_patterns=[CONFIG, *TOKENIZER_FILES, *WEIGHT_PATTERNS],
        )
    except GatedRepoError as error:
        reason = f"the hub gives {hub_id!r} only to those its owner allows; set HF_TOKEN where svc_train runs"
        raise InvalidInputError.of("source", reason) from error
    except RepositoryNotFoundError as error:
        raise InvalidInputError.of("source", f"the hub has no model {hub_id!r}, or it is private") from error
    except RevisionNotFoundError as error:
        raise InvalidInputError.of("revision", f"{hub_id} has no revision {revision!r}") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, httpx2.HTTPError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnavailableError(f"The hub does not answer for {hub_id}: {first}") from error
    return commit
