"""A catalogue of 50,000 items: importing it, making its index, lists, searches and guides over it, and its memory.

On both databases, one process each. BENCH_ITEMS sets the size; with BENCH_GROWTH the same is measured on a tenth, too.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.figures import percentile, report
from kernel.config import Settings
from kernel.contracts.catalog import ItemAsked, ItemsAsked, SearchAsked
from operations.setup.backing_services import postgres_server
from operations.setup.postgres import fresh_database
from services.catalog.application.importing import Source, demo
from services.catalog.bootstrap import Catalog, open_catalog

ITEMS = int(os.environ.get("BENCH_ITEMS") or 50_000)
GROWTH = bool(os.environ.get("BENCH_GROWTH"))
QUERIES = Path(__file__).with_name("search_queries_demo.json")
HEADER = ("department", "category", "name", "item_code", "item_type", "organ_code", "area_code")

# Enough words for names that share as many characters and words as those of a province's list do.
WORDS = {
    "offices": "公安局 人社局 市监局 民政局 卫健局 交通运输局 住建局 水务局 农业农村局 自然资源局",
    "things": "机动车驾驶证 机动车行驶证 居民身份证 户口迁移 出入境通行证 社会保险登记 失业保险金 养老保险待遇"
    " 工伤认定 劳动能力鉴定 食品经营许可证 药品经营许可证 个体工商户登记 公司登记 医疗机构执业许可 护士执业注册"
    " 医师执业注册 道路运输经营许可 网络预约出租汽车运输证 船舶营业运输证 建筑工程施工许可 商品房预售许可"
    " 取水许可 排水许可 河道采砂许可 林木采伐许可 农药经营许可 兽药经营许可 种子生产经营许可 不动产转移登记"
    " 采矿权登记 建设用地规划许可 社会团体登记 民办非企业单位登记 最低生活保障 高龄津贴 残疾人证"
    " 公共场所卫生许可 烟草专卖零售许可 特种设备使用登记",
    "actions": "新办 变更 延续 补办 注销 换领 查询 备案 年审 转让 暂停 恢复",
    "parts": "城区 郊区 开发区 高新区 保税区 港区 老城 新城 山区 库区 沿海 江北 江南 河东 河西",
}
OFFICES, THINGS, ACTIONS, PARTS = (words.split() for words in WORDS.values())


def rows(size: int) -> Iterator[tuple[str, ...]]:
    """Rows of a CSV file as `catalog import` takes it."""
    for number, (part, action, thing) in enumerate(product(range(10_000), ACTIONS, THINGS)):
        if number == size:
            return
        office, area = OFFICES[number % len(OFFICES)], f"44{part % 90 + 10:02}00000000"
        name = f"{thing}{action}（{PARTS[part % len(PARTS)]}{part}）"
        yield office, "未分类", name, f"B-{number:07}", "1", f"114401000000{part % 90:02}{number % 10:04}", area


def measure(name: str, database_url: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(database_url=database_url, data_dir=Path(directory), secret_key="00" * 32)
        catalog = open_catalog(settings)
        try:
            imported(name, catalog, Path(directory), size)
            asked(name, catalog)
        finally:
            catalog.close()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report(f"catalogue.{name}.memory", used, "MB", at_most=used / 500)


def imported(name: str, catalog: Catalog, directory: Path, size: int) -> None:
    file = directory / "items.csv"
    with file.open("w", newline="") as to:
        csv.writer(to).writerows([HEADER, *rows(size)])
    catalog.importing.run(demo())
    seconds, done = timed(lambda: catalog.importing.run(Source.of(file)))
    if done.added != size:
        raise SystemExit(f"imported {done.added} of {size} items: {done.problems[:3]}")
    report(f"catalogue.{name}.import", seconds, "s", at_most=seconds / 60)
    report(f"catalogue.{name}.import_again", timed(lambda: catalog.importing.run(Source.of(file)))[0], "s")
    report(f"catalogue.{name}.load", timed(catalog.snapshots.refresh)[0], "s")


def asked(name: str, catalog: Catalog) -> None:
    """What each kind of question takes in the service, RPC and HTTP apart."""
    queries = [one["query"] for one in json.loads(QUERIES.read_text())]
    texts = [*queries, *(f"{thing}{action}" for thing, action in product(THINGS[:20], ACTIONS[:6]))]
    items = ItemsAsked()
    spent(f"catalogue.{name}.search", (lambda q=q: catalog.lists.items(items.load({"q": q})) for q in texts))
    search = SearchAsked()
    spent(f"catalogue.{name}.search_all", (lambda q=q: catalog.searching.search(search.load({"q": q})) for q in texts))
    pages = [{"page": number, "online": flag} for number, flag in product(range(1, 100), (False,))]
    spent(f"catalogue.{name}.list", (lambda p=p: catalog.lists.items(items.load(p)) for p in pages))
    codes = [item["code"] for item in catalog.lists.items(items.load({"page_size": 100, "online": True}))["items"]]
    guide = ItemAsked()
    spent(f"catalogue.{name}.guide", (lambda c=c: catalog.guides.item(guide.load({"code": c})) for c in codes * 5))


def spent(name: str, work: Iterator[Callable[[], Any]]) -> None:
    took = [timed(one)[0] * 1000 for one in work]
    report(f"{name}.p50", percentile(took, 0.5), "ms")
    report(f"{name}.p99", percentile(took, 0.99), "ms")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main(arguments: list[str]) -> int:
    """Each measurement in a process of its own, whose memory is its own."""
    if arguments:
        measure(arguments[0], arguments[1], int(arguments[2]))
        return 0
    failed = 0
    for size in (ITEMS, ITEMS // 10) if GROWTH else (ITEMS,):
        suffix = "" if size == ITEMS else ".tenth"
        with postgres_server() as server, fresh_database(server) as url:
            failed += _apart(f"postgresql{suffix}", url, size)
        failed += _apart(f"sqlite{suffix}", "", size)
    return failed


def _apart(name: str, url: str, size: int) -> int:
    command = [sys.executable, "-m", "benchmarks.catalogue", name, url, str(size)]
    return int(subprocess.run(command, check=False).returncode != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
