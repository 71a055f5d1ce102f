"""The search finds the demo catalogue's items by what people say. Not timed; `make bench` prints the figures."""

from benchmarks.search import demo_items, queries
from benchmarks.search_quality import ask


def test_everyday_queries_find_their_item() -> None:
    answers = ask(demo_items(), queries("search_queries_demo.json"))
    missed = [answer.query["query"] for answer in answers if not 1 <= answer.place <= 5]
    first = sum(answer.place == 1 for answer in answers)
    assert len(answers) >= 100
    assert len(missed) <= len(answers) // 20, missed
    assert first >= 0.9 * len(answers)
