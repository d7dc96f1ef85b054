"""Every page renders from sample values in both languages; what its markup promises."""

import re
from functools import cache
from html.parser import HTMLParser

import pytest

from foundation.language import LANGUAGES, TAGS, Language
from page_samples import PHONE_PAGES, SAMPLES, a_frame
from sunbid.pages.site import make_pages

EVERY = [(name, language) for name in SAMPLES for language in LANGUAGES]
# The phone has no menu to skip and no session of ours.
OF_THE_PLATFORM = [one for one in EVERY if one[0] not in PHONE_PAGES]
PAGES = make_pages(lambda request, language: None)  # type: ignore[arg-type, return-value]
UNLABELLED = {"hidden", "submit", "radio", "checkbox"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Outline(HTMLParser):
    """The elements of a page in their order, and its texts with the language they stand in."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[tuple[str, str]] = [("", "")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in {"meta", "link", "input", "br", "hr", "img", "line", "path", "rect"}:
            self.open.append((tag, found.get("lang") or self.open[-1][1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element that holds nothing."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Closes an element."""
        while len(self.open) > 1 and self.open.pop()[0] != tag:
            continue

    def handle_data(self, data: str) -> None:
        """Notes a text."""
        if data.strip():
            self.texts.append((self.open[-1][1], data.strip()))


@cache
def page_of(name: str, language: Language) -> Outline:
    """One sample page."""
    template, view, visitor = SAMPLES[name]
    values = {"frame": a_frame(visitor), "view": view(), "path": "/sample"}
    outline = Outline()
    outline.feed(PAGES.render(language, template, values))
    return outline


@pytest.mark.parametrize(("name", "language"), OF_THE_PLATFORM)
def test_page_renders_for_everybody(name: str, language: Language) -> None:
    tags = page_of(name, language).tags
    assert ("html", {"lang": TAGS[language]}) in tags
    assert sum(tag == "h1" for tag, _ in tags) == 1, "one title a page"
    assert sum(tag == "main" for tag, _ in tags) == 1
    assert any(a.get("class") == "skip" for _, a in tags), "a way past the menu"
    ids = [a["id"] for _, a in tags if a.get("id")]
    assert len(ids) == len(set(ids)), "an id names one element"


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_page_keeps_the_content_security_policy(name: str, language: Language) -> None:
    for tag, attributes in page_of(name, language).tags:
        assert tag != "style"
        inline = {a for a in attributes if a == "style" or a.startswith("on")}
        assert not inline, f"<{tag}> has {inline}: the policy refuses what is inline"
        for address in (attributes.get("src"), attributes.get("action")):
            assert address is None or address.startswith(("/", "?")), address


@pytest.mark.parametrize(("name", "language"), OF_THE_PLATFORM)
def test_every_field_has_a_label_and_every_form_its_token(name: str, language: Language) -> None:
    tags = page_of(name, language).tags
    labels = {a.get("for") for tag, a in tags if tag == "label"}
    for tag, attributes in tags:
        kind = attributes.get("type") or "text"
        if tag in {"input", "textarea", "select"} and kind not in UNLABELLED:
            assert attributes.get("id") in labels, f"{tag} {attributes.get('name')} has no label"
        if tag == "img":
            assert attributes.get("alt")
    posts = sum(tag == "form" and a.get("method") == "post" for tag, a in tags)
    tokens = sum(a.get("name") == "_csrf" for _, a in tags)
    assert tokens == posts, "each form that changes something carries the session's token"


@pytest.mark.parametrize("name", list(SAMPLES))
def test_english_page_says_where_it_is_chinese(name: str) -> None:
    # Names and texts of the tender are Chinese on every page and marked so; our own words are not.
    ours = [
        text
        for language, text in page_of(name, "en").texts
        if CHINESE.search(text) and not language.startswith("zh") and "示例" not in text
    ]
    catalogue = set(PAGES.catalogue.texts["zh"].values())
    assert not [text for text in ours if text in catalogue]


def test_state_is_never_colour_alone() -> None:
    for name, _ in EVERY:
        page = page_of(name, "zh")
        for tag, attributes in page.tags:
            if tag == "span" and attributes.get("class") == "tag":
                assert page.texts, name


def test_forms_and_menus_differ_by_role() -> None:
    public = a_frame().menu
    assert a_frame(SAMPLES["tasks"][2]).menu != public
    assert ("clues", "/clues") in a_frame(SAMPLES["inbox"][2]).menu
    assert ("clues", "/clues") not in public
