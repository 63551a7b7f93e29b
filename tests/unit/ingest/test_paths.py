"""Nothing outside the import folder can be named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.errors import InvalidInputError, NotFoundError
from svc_ingest.domain.paths import file_in_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text("no")
    folder = tmp_path / "import"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "泵.csv").write_text("yes")
    return folder


@pytest.mark.parametrize("path", ["sub/泵.csv", "./sub/泵.csv", "sub//泵.csv"])
def test_files_inside_are_found(folder: Path, path: str) -> None:
    assert file_in_folder(folder, path).read_text() == "yes"


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder / "sub" / "泵.csv")
    assert file_in_folder(folder, "link.csv").read_text() == "yes"


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    (folder.parent / "alias").symlink_to(folder)
    assert file_in_folder(folder.parent / "alias", "sub/泵.csv").read_text() == "yes"


@pytest.mark.parametrize(
    "path", ["", "../secret.csv", "sub/../../secret.csv", "sub/../sub/泵.csv", "/etc/passwd", "a\0b"]
)
def test_paths_that_lead_out_are_refused(folder: Path, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        file_in_folder(folder, path)
    assert caught.value.violations[0].field == "path"


def test_a_link_that_leads_out_is_refused(folder: Path) -> None:
    (folder / "link.csv").symlink_to("../secret.csv")
    (folder / "out").symlink_to("..")
    for path in ("link.csv", "out/secret.csv"):
        with pytest.raises(InvalidInputError, match="leaves the import folder"):
            file_in_folder(folder, path)


def test_a_sibling_with_the_same_beginning_is_outside(folder: Path) -> None:
    (folder.parent / "import-2").mkdir()
    (folder.parent / "import-2" / "x.csv").write_text("no")
    (folder / "link").symlink_to("../import-2")
    with pytest.raises(InvalidInputError, match="leaves"):
        file_in_folder(folder, "link/x.csv")


def test_what_is_no_regular_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    for path in ("sub", "pipe", "loop"):
        with pytest.raises(InvalidInputError):
            file_in_folder(folder, path)


@pytest.mark.parametrize("path", ["none.csv", "sub/泵.csv/x"])
def test_a_missing_file_is_not_found(folder: Path, path: str) -> None:
    with pytest.raises(NotFoundError, match="import folder"):
        file_in_folder(folder, path)
