"""The documentation: its code, its links, the pages made of registries, and how it becomes HTML."""

import functools
import re
import tomllib
import webbrowser
from html.parser import HTMLParser
from pathlib import Path

import pytest

from polykeras import manual, registry
from polykeras.cli import docs, main
from polykeras.manual import html, registries

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = dict(manual.written_pages())
REGISTRIES = [one for one in registry.EVERY_REGISTRY if one is not registry.modules]  # these hold no objects
PAGES = [*WRITTEN, *(f"all-{one.group.rpartition('.')[2]}.md" for one in REGISTRIES)]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@functools.cache
def everything():
    """All pages. Making them loads all plugins, which the collection of tests should not."""
    return dict(manual.pages())


def prose(text):
    """A page without its code."""
    return re.sub(r"`[^`]+`", "", re.sub(r"^    .*$", "", FENCE.sub("", text), flags=re.MULTILINE))


def headings(text):
    return {registries.anchor(title) for title in re.findall(r"^#+ +(.*)$", prose(text), re.MULTILINE)}


class TestWrittenPages:
    def test_they_are_those_of_the_checkout(self):
        folder = ROOT / "docs"
        if not folder.is_dir():
            pytest.skip("not run in a checkout")
        assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")} == WRITTEN

    @pytest.mark.parametrize("page", WRITTEN)
    def test_code_that_is_no_example_is_valid(self, page):
        """Examples (`>>>`) are run as doctests, the tour's program by `tests/tour`."""
        for language, code in FENCE.findall(WRITTEN[page]):
            if language == "toml":
                tomllib.loads(code)
            elif language == "python" and not code.startswith(">>>") and page != "tour.md":
                exec(compile(code, page, "exec"), {})  # noqa: S102
            else:
                assert language in ("python", "toml", "text"), f"nothing runs blocks of {language!r}"

    @pytest.mark.parametrize("page", WRITTEN)
    def test_links_lead_somewhere(self, page):
        for target in LINK.findall(prose(WRITTEN[page])):
            name, _, place = target.partition("#")
            if name.startswith("../"):
                assert (ROOT / "docs" / name).exists(), target
            elif not name.startswith("https://"):
                assert name in PAGES or not name, target
                assert not place or place in headings(everything()[name or page]), target

    def test_every_page_is_in_the_index_and_in_the_site(self):
        linked = set(LINK.findall(WRITTEN["index.md"]))
        assert set(WRITTEN) - {"index.md"} - linked == set()
        site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
        assert [page for page in PAGES if f": {page}\n" not in site] == []


class TestRegistryPages:
    def test_there_is_one_for_each(self):
        assert list(everything()) == PAGES

    @pytest.mark.parametrize("one", REGISTRIES, ids=lambda one: one.group)
    def test_every_public_name_is_there(self, one):
        page = everything()[f"all-{one.group.rpartition('.')[2]}.md"]
        for name in one.usable_names():
            if not name.startswith("_"):
                assert re.search(rf"^## {re.escape(name)}$|Also known as .*`{re.escape(name)}`", page, re.MULTILINE), (
                    name
                )

    @pytest.mark.parametrize("one", REGISTRIES, ids=lambda one: one.group)
    def test_everything_is_documented(self, one):
        bare = [entry.name for entry in registries.entries(one) if not registries.explanations(entry.obj)]
        assert not bare

    def test_an_entry(self):
        page = everything()["all-layers.md"]
        section = page[page.index("## Dense\n") :].partition("\n## ")[0]
        assert section.startswith("## Dense\n\n    Dense(units, activation=None, use_bias=True,")
        assert "From polykeras-layers." in section
        assert "activation(x @ kernel + bias)" in section or "activation(x · kernel + bias)" in section
        assert "x: (batch" in section or "x: (" in section

    def test_formulas_that_stand_elsewhere_are_there(self):
        page = everything()["all-optimizers.md"]
        assert "a ← rho·a + (1 − rho)·g²" in page[page.index("## Adadelta\n") :].partition("\n## ")[0]
        page = everything()["all-layers.md"]
        assert "broadcast against each other -> one tensor" in page[page.index("## Add\n") :].partition("\n## ")[0]
        assert "kernel_size:" in page[page.index("## Conv2D\n") :].partition("\n## ")[0]

    def test_what_this_process_registers_is_there(self):
        @registry.losses.register("acme_loss")
        def acme_loss(y_true, y_pred):
            """y_pred − y_true.   (n,), (n,) -> (n,)"""

        try:
            page = dict(manual.pages())["all-losses.md"]
        finally:
            registry.losses.unregister("acme_loss")
        assert "## acme_loss\n\n    acme_loss(y_true, y_pred)\n\nFrom this process." in page

    def test_signatures(self):
        def short(a, b=1, *, c: int = 2, **rest): ...

        def long(**rest): ...

        def many(first_argument, second_argument=(1, 1), third_argument="a" * 30, fourth_argument="b" * 30): ...

        assert registries.signature("short", short) == "short(a, b=1, *, c=2, **rest)"
        assert registries.signature("long", long) == "long(**rest)"
        assert registries.signature("none", lambda: None) == "none()"
        broken = registries.signature("many", many).split("\n")
        assert len(broken) == 2 and all(len(line) <= registries.WIDTH for line in broken)
        assert broken[0].startswith("many(first_argument, second_argument=(1, 1), ") and broken[1].startswith("     f")


class Text(HTMLParser):
    """The visible text of HTML, its headings' ids and its links; raises where tags do not match."""

    EMPTY = ("meta", "br", "hr")

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.ids, self.links = [], [], set(), []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get("id"))
        if "href" in attrs:
            self.links.append(attrs["href"])
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += data.split()


class TestHtml:
    @pytest.mark.parametrize("page", PAGES)
    def test_the_words_are_those_of_markdown(self, page):
        markdown = pytest.importorskip("markdown", reason="Markdown is not installed")
        reference = Text(markdown.markdown(everything()[page], extensions=["tables", "fenced_code"]))
        assert " ".join(Text(html.body(everything()[page], PAGES)).words) == " ".join(reference.words)

    @pytest.mark.parametrize("page", PAGES)
    def test_links_lead_to_pages_and_headings(self, page):
        shown = Text(html.document(everything()[page], PAGES))
        for link in shown.links:
            name, _, place = link.partition("#")
            if not link.startswith("https://"):
                other = f"{Path(name).stem}.md" if name else page
                assert not place or place in Text(html.body(everything()[other], PAGES)).ids, link

    def test_blocks(self):
        text = "# A *b*\n\none\ntwo `<x>`\n\n* a\n  b\n* c\n\n1. d\n\n    code <\n\n    more\n\n"
        text += "```python\n# no *heading*\n```\n"
        assert html.body(text, ()).split("\n") == [
            '<h1 id="a-b">A <em>b</em></h1>',
            "<p>one two <code>&lt;x&gt;</code></p>",
            "<ul><li>a b</li><li>c</li></ul>",
            "<ol><li>d</li></ol>",
            "<pre><code>code &lt;",
            "",
            "more</code></pre>",
            "<pre><code># no *heading*</code></pre>",
        ]

    def test_tables_and_links(self):
        text = "| a | b |\n|---|:-:|\n| `x` | **y** \\| z |\n\n[t](there.md#p), [n](nowhere.md), [w](https://x.org/?a=1&b=2)"
        assert html.body(text, ["there.md"]) == (
            "<table><tr><th>a</th><th>b</th></tr>"
            "<tr><td><code>x</code></td><td><strong>y</strong> | z</td></tr></table>\n"
            '<p><a href="there.html#p">t</a>, n, <a href="https://x.org/?a=1&amp;b=2">w</a></p>'
        )


class TestCommand:
    def test_pages_are_written(self, tmp_path, capsys):
        assert main(["docs", "saving", "--to", str(tmp_path / "site")]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'site' / 'saving.html'}\n"
        assert {path.stem for path in (tmp_path / "site").iterdir()} == {Path(page).stem for page in PAGES}
        for path in (tmp_path / "site").iterdir():
            for link in Text(path.read_text(encoding="utf-8")).links:
                name = link.partition("#")[0]
                assert not name or name.startswith("https://") or (tmp_path / "site" / name).is_file(), link

    def test_a_browser_opens_one(self, monkeypatch, capsys):
        opened = []
        monkeypatch.setattr(webbrowser, "open", opened.append)
        assert main(["docs"]) == 0
        [address] = opened
        assert address.startswith("file://") and address.endswith("/index.html")
        assert Path(capsys.readouterr().out.strip()).is_file()

    def test_unknown_page(self, tmp_path, capsys):
        assert main(["docs", "savin", "--to", str(tmp_path)]) == 2
        assert "No page 'savin'. Did you mean 'saving'?" in capsys.readouterr().out

    def test_names_come_with_an_ending_too(self, tmp_path, capsys):
        assert main(["docs", "tour.md", "--to", str(tmp_path)]) == 0
        assert docs.write(tmp_path)
