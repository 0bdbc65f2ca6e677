"""One style sheet for the book: what pages and scripts can use stays, nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from style_sheet import Vocabulary, join

VOCABULARY = Vocabulary()
VOCABULARY.read(
    pages=["""<p class="card wide" id='top' style="color:var(--ink)"><script>show("live")</script>"""],
    scripts=["add('open'); name = `key-${kind}`; read('--dark')"],
)


def joined(folder: Path, style: str) -> str:
    (folder / "one.css").write_text(style, encoding="utf-8")
    return join(folder, ["one.css"], VOCABULARY)


@pytest.mark.parametrize(
    "rule",
    [
        "p{margin:0}",
        ".card.wide>a:hover{margin:0}",
        "#top .open{margin:0}",
        ".live{margin:0}",
        ".key-dot{margin:0}",
        "a:not(.gone){margin:0}",
        "a:is(.gone,.card){margin:0}",
        "[data-x=gone]{margin:0}",
        "@media print{.card{margin:0}}",
        "@font-face{font-family:F;src:url(f.woff2)}",
    ],
)
def test_a_rule_that_can_match_stays(tmp_path: Path, rule: str) -> None:
    assert joined(tmp_path, f"/* why */ {rule}") == rule


@pytest.mark.parametrize(
    "rule", [".gone{margin:0}", ".card.gone{margin:0}", "#gone p{margin:0}", "@media print{.gone{margin:0}}"]
)
def test_a_rule_that_nothing_matches_goes(tmp_path: Path, rule: str) -> None:
    assert joined(tmp_path, rule) == ""


def test_of_several_selectors_those_stay_that_can_match(tmp_path: Path) -> None:
    assert joined(tmp_path, ".gone a, .card, b .gone{margin:0}") == ".card{margin:0}"


def test_a_variable_stays_that_a_rule_a_page_or_a_script_reads(tmp_path: Path) -> None:
    kept = ':root{--ink:black;--dark:1;--a:var(--b);--b:url("data:x;y")}p{margin:var(--a)}'
    assert joined(tmp_path, kept) == kept
    assert joined(tmp_path, ":root{--x:var(--y);--y:1;--ink:2}") == ":root{--ink:2}"


def test_sheets_stand_in_their_order_and_lead_to_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "theme").mkdir()
    (tmp_path / "base.css").write_text('@charset "utf-8";a{margin:0}', encoding="utf-8")
    (tmp_path / "theme" / "a.css").write_text(
        '@import "../base.css";p{background:url("../pictures/p.png")}b{background:url(data:,b)}',
        encoding="utf-8",
    )
    (tmp_path / "z.css").write_text("i{margin:0}", encoding="utf-8")
    assert join(tmp_path, ["z.css", "theme/a.css"], VOCABULARY) == (
        "i{margin:0}a{margin:0}p{background:url(pictures/p.png)}b{background:url(data:,b)}"
    )


def test_a_sheet_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2"):
        joined(tmp_path, "p{margin:0}\n}")
