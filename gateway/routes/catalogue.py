"""Routes of the catalogue: items and their guides, departments, categories, halls, and the search over them.

All of them are for everybody, and answer everybody the same.
"""

from typing import Any

import marshmallow as ma

from gateway.route import SHARED, Route
from gateway.routes.common import API, PUBLIC, filters
from kernel.contracts import catalog, halls, items


def _public(answer: type[ma.Schema]) -> ma.Schema:
    """Without the version of the catalogue, which is between catalog and the gateway."""
    return answer(exclude=["as_of"])


def _asked(
    name: str, path: str, summary: str, request: type[ma.Schema], answer: ma.Schema | None, **more: Any
) -> Route:
    return Route(
        name=name,
        method="GET",
        path=API + path,
        summary=summary,
        access=PUBLIC,
        tag="catalogue",
        service="catalog",
        rpc=more.pop("rpc", name),
        request=request,
        answer=answer,
        cache=SHARED,
        **more,
    )


_NO_VALUE = "A filter names no category or department that there is."
_RETIRED = "The item is no longer offered."
HOT_LIFE = 5.0  # seconds: what is filed changes the list, and says nothing on catalog's log

ROUTES = [
    _asked(
        "items",
        "/items",
        "Service items, narrowed by filters and words. 事项列表",
        catalog.ItemsAsked,
        _public(catalog.ItemPage),
        query=filters(catalog.ItemsAsked),
        others={422: _NO_VALUE},
    ),
    # Before the guide, whose path it would fit as well.
    _asked(
        "hot_items",
        "/items/hot",
        "What was filed most in the last 30 days. 热门事项",
        catalog.HotAsked,
        _public(catalog.HotPage),
        query=filters(catalog.HotAsked),
        life=HOT_LIFE,
    ),
    _asked(
        "item",
        "/items/{code}",
        "One service item with all its elements; an earlier version on request. 办事指南",
        catalog.ItemAsked,
        items.Item(),
        query=filters(catalog.ItemAsked, "code"),
        others={410: _RETIRED},
    ),
    _asked(
        "item_file",
        "/items/{code}/files/{file}",
        "A form to fill in, or a sample of one. 表格与样本下载",
        catalog.FileAsked,
        None,
        rpc="file",
        serves="*/*",
    ),
    _asked(
        "departments", "/departments", "Departments. 部门", catalog.DepartmentsAsked, _public(catalog.DepartmentList)
    ),
    _asked(
        "department",
        "/departments/{department}",
        "A department with its items. 部门事项",
        catalog.DepartmentAsked,
        _public(catalog.DepartmentPage),
        query=filters(catalog.DepartmentAsked, "department"),
    ),
    _asked(
        "categories",
        "/categories",
        "What items can be browsed by: themes, life events, groups, activities. 分类",
        catalog.CategoriesAsked,
        _public(catalog.CategoryList),
    ),
    _asked(
        "halls",
        "/halls",
        "Halls of all levels. 政务服务大厅",
        catalog.HallsAsked,
        _public(catalog.HallPage),
        query=filters(catalog.HallsAsked),
        others={422: "The area is neither the digits of a code nor a name."},
    ),
    _asked(
        "hall",
        "/halls/{hall}",
        "A hall: its units, windows, hours, the way there. 大厅详情",
        catalog.HallAsked,
        halls.Hall(),
    ),
    _asked(
        "search",
        "/search",
        "One search over items, departments and halls. 搜索",
        catalog.SearchAsked,
        _public(catalog.SearchPage),
        query=filters(catalog.SearchAsked),
        others={422: "Nothing to search for, or too long."},
    ),
]
