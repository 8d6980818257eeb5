"""Whatever a text is, Markdown shows it as it is."""

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fairkd.reporting.markdown import block, bullets, plain, table

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render


@given(st.text(alphabet="ab1 *_`[](){}<>|\\~#+-=.!&$:/@\n\t'\"", min_size=1, max_size=30))
@example("1 #")
@example("##")
@example("\\#")
def test_a_text_is_shown_letter_by_letter(text: str) -> None:
    words = " ".join(text.split())
    for made in (plain(text), f"- {plain(text)}", f"## {plain(text)}"):
        shown = re.sub(r"</?(?:p|li|ul|h2)>", "", RENDER(made)).strip()
        assert html.unescape(shown) == words
    cell = re.search(r"<td>(.*?)</td>", RENDER(table(["a"], [[plain(text)]])), re.DOTALL)
    assert cell is not None
    assert html.unescape(cell[1]) == words


def test_what_changes_the_direction_of_reading_is_not_shown() -> None:
    assert plain("a\u202eb\x00c") == "a\ufffdb\ufffdc"


def test_links_and_mentions_are_text() -> None:
    for text in ("http://a.b", "www.a.b", "@someone"):
        assert text not in plain(text)


def test_tables_and_lists() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"
    assert table(["a", "b"], [], numbers=False) == "| a | b |\n| --- | --- |"
    assert bullets(["a", "b"]) == "- a\n- b"


def test_a_block_cannot_be_ended_from_within() -> None:
    assert block("a", "sh") == "```sh\na\n```"
    inside = "```\n<b>\n````"
    assert html.unescape(RENDER(block(inside))) == f"<pre><code>{inside}\n</code></pre>\n"
