"""What learners hand in, in folders and archives, some of them hostile."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from nncourse.grading.handed_in import MOST_OPEN, SubmissionsError, collect
from nncourse.grading.notebooks import MOST_BYTES, NotANotebook

EX = "ex05_gradient_descent"


def write(path: Path, data: bytes = b"{}", age: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def test_folders_and_flat_names_are_understood(tmp_path: Path) -> None:
    write(tmp_path / "ada" / f"{EX}.ipynb", b"1")
    write(tmp_path / "class b" / "bob" / "ex05.ipynb", b"2")
    write(tmp_path / f"carol__{EX}.ipynb", b"3")
    write(tmp_path / "dan__ddd__ex05 (1).ipynb", b"4")
    write(tmp_path / "李雷" / f"{EX}-1.ipynb", b"5")
    write(tmp_path / "ada" / "notes.txt")
    write(tmp_path / "ada" / ".ipynb_checkpoints" / f"{EX}-checkpoint.ipynb", b"no")
    pile = collect([tmp_path])
    assert {key: found.read() for key, found in pile.notebooks.items()} == {
        ("ada", EX): b"1",
        ("bob", EX): b"2",
        ("carol", EX): b"3",
        ("dan__ddd", EX): b"4",
        ("李雷", EX): b"5",
    }
    assert pile.aside == []


def test_zip_files_and_single_notebooks_are_understood(tmp_path: Path) -> None:
    one = zipped(
        tmp_path / "class.zip",
        (f"class/ada/{EX}.ipynb", b"1"),
        (f"bob__{EX}.ipynb", b"2"),
        (f"__MACOSX/ada/._{EX}.ipynb", b"no"),
        (f"windows\\carol\\{EX}.ipynb", b"3"),
    )
    single = write(tmp_path / "dan" / f"{EX}.ipynb", b"4")
    found = collect([one, single]).notebooks
    assert {learner: notebook.read() for (learner, _), notebook in found.items()} == {
        "ada": b"1",
        "bob": b"2",
        "carol": b"3",
        "dan": b"4",
    }


def test_what_is_not_understood_is_named(tmp_path: Path) -> None:
    write(tmp_path / "ada" / "homework.ipynb")
    write(tmp_path / "bob" / "ex77_unknown.ipynb")
    write(tmp_path / "carol" / "homework.zip")
    write(tmp_path / "dan" / f"{EX}.ipynb.txt")
    write(tmp_path / "eve" / f"{EX}.IPYNB")
    aside = collect([tmp_path]).aside
    assert [line.removeprefix(f"{tmp_path}/").partition("/")[0] for line in aside] == [
        *("ada", "bob", "carol", "dan", "eve")
    ]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "ada" / f"{EX}.ipynb")

    def closed(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    assert collect([tmp_path]).aside == [f"{tmp_path}: cannot be read (Permission denied)"]


def test_of_two_the_newer_counts_and_the_older_is_named(tmp_path: Path) -> None:
    write(tmp_path / "ada" / f"{EX}.ipynb", b"old", age=100)
    write(tmp_path / "ada" / f"{EX} (1).ipynb", b"new")
    pile = collect([tmp_path])
    assert pile.notebooks["ada", EX].read() == b"new"
    assert len(pile.aside) == 1 and "older than" in pile.aside[0]


def test_a_file_cannot_take_the_place_of_what_is_in_a_learners_own_folder(tmp_path: Path) -> None:
    write(tmp_path / "ada" / f"{EX}.ipynb", b"ada's", age=100)
    write(tmp_path / "bob" / f"bob__{EX}.ipynb", b"bob's", age=100)
    write(tmp_path / "eve" / f"ada__{EX}.ipynb", b"eve's")
    write(tmp_path / "eve" / f"bob__{EX}.ipynb", b"eve's")
    for places in ([tmp_path], [tmp_path / "ada", tmp_path], [tmp_path / "eve", tmp_path]):
        pile = collect(places)
        assert pile.notebooks["ada", EX].read() == b"ada's"
        assert pile.notebooks["bob", EX].read() == b"bob's"
        assert sum("not in the learner's folder" in line for line in pile.aside) >= 2


def test_links_and_devices_in_a_folder_are_refused(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.ipynb", b"the answers")
    folder = tmp_path / "class"
    write(folder / "ada" / f"{EX}.ipynb", b"1")
    (folder / "eve").mkdir()
    (folder / "eve" / f"{EX}.ipynb").symlink_to(secret)
    (folder / "mallory").symlink_to(tmp_path)
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / f"{EX}.ipynb")
    pile = collect([folder])
    assert list(pile.notebooks) == [("ada", EX)]
    assert len(pile.aside) == 3


def test_a_file_that_becomes_a_link_after_the_search_is_not_read(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", b"the answers")
    path = write(tmp_path / "class" / "ada" / f"{EX}.ipynb")
    found = collect([tmp_path / "class"]).notebooks["ada", EX]
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(NotANotebook, match="cannot be read"):
        found.read()


@pytest.mark.parametrize("name", [f"../../eve/{EX}.ipynb", f"/etc/eve/{EX}.ipynb", f"c:\\eve\\{EX}.ipynb"])
def test_an_entry_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    pile = collect([zipped(tmp_path / "class.zip", (name, b"1"), (f"ada/{EX}.ipynb", b"2"))])
    assert list(pile.notebooks) == [("ada", EX)]
    assert "leads out of the archive" in pile.aside[0]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo(f"eve/{EX}.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    pile = collect([zipped(tmp_path / "class.zip", (link, b"/etc/passwd"))])
    assert pile.notebooks == {} and "a link" in pile.aside[0]


def test_a_zip_bomb_is_read_no_further_than_a_notebook_may_be_large(tmp_path: Path) -> None:
    place = zipped(tmp_path / "class.zip", (f"eve/{EX}.ipynb", bytes(100 << 20)), (f"ada/{EX}.ipynb", b"1"))
    assert place.stat().st_size < 1 << 20
    found = collect([place]).notebooks
    assert len(found["eve", EX].read()) == MOST_BYTES + 1
    assert found["ada", EX].read() == b"1"


def test_odd_entries_of_an_archive_are_named_or_passed_over(tmp_path: Path) -> None:
    squeezed = zipfile.ZipInfo(f"eve/{EX}.ipynb")
    squeezed.compress_type = zipfile.ZIP_LZMA
    undated = zipfile.ZipInfo(f"ada/{EX}.ipynb", (1980, 0, 0, 0, 0, 0))
    nameless = zipfile.ZipInfo(".")
    place = tmp_path / "class.zip"
    with zipfile.ZipFile(place, "w") as archive:
        for entry in (squeezed, undated, nameless):
            archive.writestr(entry, b"1")
    pile = collect([place])
    assert [found.learner for found in pile.notebooks.values()] == ["ada"]
    assert pile.notebooks["ada", EX].read() == b"1"
    assert len(pile.aside) == 1 and "compressed in an unusual way" in pile.aside[0]


def test_the_newer_of_a_folder_and_an_archive_counts(tmp_path: Path) -> None:
    write(tmp_path / "class" / "ada" / f"{EX}.ipynb", b"folder, 2001")
    old = zipfile.ZipInfo(f"ada/{EX}.ipynb", (1999, 1, 1, 0, 0, 0))
    new = zipfile.ZipInfo(f"ada/{EX}.ipynb", (2020, 1, 1, 0, 0, 0))
    for entry, expected in ((old, b"folder, 2001"), (new, b"archive")):
        archive = zipped(tmp_path / "late.zip", (entry, b"archive"))
        for places in ([tmp_path / "class", archive], [archive, tmp_path / "class"]):
            assert collect(places).notebooks["ada", EX].read() == expected


def test_a_zip_inside_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", (f"eve/{EX}.ipynb", b"1")).read_bytes()
    assert collect([zipped(tmp_path / "class.zip", ("inner.zip", inner))]).notebooks == {}


def test_a_thousand_archives_do_not_need_a_thousand_open_files(tmp_path: Path) -> None:
    places = [zipped(tmp_path / f"{i}.zip", (f"l{i}/{EX}.ipynb", str(i).encode())) for i in range(1000)]
    before = len(os.listdir("/proc/self/fd"))
    found = collect(places).notebooks
    for number in (0, 999, 1, 500):
        assert found[f"l{number}", EX].read() == str(number).encode()
    assert len(os.listdir("/proc/self/fd")) - before <= MOST_OPEN
    places[3].write_bytes(b"no longer an archive")
    with pytest.raises(NotANotebook, match="damaged inside its archive"):
        found["l3", EX].read()


def test_a_damaged_entry_costs_its_own_learner_only(tmp_path: Path) -> None:
    place = zipped(tmp_path / "class.zip", (f"ada/{EX}.ipynb", b"x" * 5000), (f"bob/{EX}.ipynb", b"y" * 5000))
    data = bytearray(place.read_bytes())
    data[60:70] = b"\xff" * 10
    place.write_bytes(data)
    found = collect([place]).notebooks
    with pytest.raises(NotANotebook, match="damaged inside its archive"):
        found["ada", EX].read()
    assert found["bob", EX].read() == b"y" * 5000


def test_a_place_that_is_nothing_is_named(tmp_path: Path) -> None:
    for place in (
        tmp_path / "missing",
        write(tmp_path / "text.txt"),
        write(tmp_path / "cut.zip", b"PK\x03\x04"),
    ):
        with pytest.raises(SubmissionsError, match=place.name):
            collect([place])
