"""One catalogue for all texts: every key in both languages, every code of a refusal in Chinese."""

import ast
import re
from importlib import import_module
from pkgutil import walk_packages
from string import Formatter

from foundation.language import Catalogue
from foundation.problems import every_kind, slug
from sunbid.pages.site import HOME, LOCALE, TEMPLATES

CATALOGUE = Catalogue.load(LOCALE)
ZH, EN = CATALOGUE.texts["zh"], CATALOGUE.texts["en"]
PACKAGES = ("foundation", "bidding", "experts", "supervision", "sunbid")
ASKED = re.compile(r"""\bt\(\s*["']([a-z0-9_.-]+)["']\s*[,)]""")
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
# The name of the other language is written in it; yuan and ten thousand yuan stand by amounts.
IN_TEMPLATES = {"中文", "元", "万元"}


def plain_keys(texts: object) -> set[str]:
    """The keys that both languages need: plurals and explanations of refusals are one's own."""
    keys = set(texts)  # type: ignore[call-overload]
    return {key for key in keys if not key.startswith("refused.") and not key.endswith(".one")}


def fields(text: str) -> set[str]:
    """The values that a text needs."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_every_key() -> None:
    assert plain_keys(ZH) - plain_keys(EN) == set()
    assert plain_keys(EN) - plain_keys(ZH) == set()


def test_both_languages_ask_for_the_same_values() -> None:
    differ = [
        key for key in plain_keys(ZH)
        if fields(ZH[key]) != fields(EN[key]) and key not in {"tender.method_digest"}
    ]  # fmt: skip
    assert differ == []


def test_english_is_english() -> None:
    assert [key for key, text in EN.items() if CHINESE.search(text)] == []


def test_every_refusal_has_its_chinese_title() -> None:
    for package in PACKAGES:
        for found in walk_packages(import_module(package).__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    missing = {
        slug(kind.code) for kind in every_kind() if kind.__module__.split(".")[0] in PACKAGES
    }
    missing -= {key.split(".")[1] for key in ZH if key.startswith("refused.")}
    assert missing == set(), "add [refused.<code>] title to src/sunbid/locale/zh/refusals.toml"


def test_every_text_that_a_template_asks_for_is_there() -> None:
    asked = {
        (path.name, key)
        for path in TEMPLATES.rglob("*.html")
        for key in ASKED.findall(path.read_text(encoding="utf-8"))
    }
    assert asked
    assert sorted((name, key) for name, key in asked if key not in ZH) == []


def test_every_text_that_a_page_names_is_there() -> None:
    named = set()
    for folder in (HOME / "pages", HOME / "web"):
        for path in folder.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "words":
                    first = node.args[0]
                    if isinstance(first, ast.Constant):
                        named.add((path.name, str(first.value)))
    assert named
    assert sorted((name, key) for name, key in named if key not in ZH) == []


def test_templates_hold_no_sentences() -> None:
    # Texts live in the catalogue, so that both languages have them.
    found = {
        (path.name, text)
        for path in TEMPLATES.rglob("*.html")
        for text in CHINESE.findall(path.read_text(encoding="utf-8"))
        if text not in IN_TEMPLATES
    }
    assert found == set()
