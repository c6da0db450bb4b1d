"""The public names compared with explicit lists, so that none is added or removed by accident.

Every public name has a docstring, which lists the errors that are listed here.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pytest

import drawer_ipy
from drawer_ipy import Drawer, DrawerFailed, Results, UsageError, Validation, press, results
from drawer_ipy.results import Column, ItemError, ItemErrors, Row, StepCell

FUNCTIONS = {
    "aeach",
    "apress",
    "button",
    "each",
    "load_ipython_extension",
    "press",
    "register_backend",
    "register_button",
    "register_step",
    "runs",
    "unload_ipython_extension",
}
ERRORS = {
    "ArgumentError",
    "BackendError",
    "ButtonNotFound",
    "DefinitionError",
    "DrawerCancelled",
    "DrawerError",
    "DrawerFailed",
    "DrawerNotFound",
    "ResolveError",
    "UsageError",
}
CLASSES = {"Drawer", "Results", "Validation"}

RESULTS = """
    aretry cancelled columns counts errors explain failed filter head hint join of ok open output outputs
    retry run save shape showing skipped sort status step tail timeline to_arrow to_csv to_dict to_dicts
    to_json to_jsonl to_pandas to_parquet to_polars view
"""
ROW = """
    cancelled duration error explain failed get index item items keys ok output skipped started status steps
    values
"""
COLUMN = "count index name to_list tolist"
ITEM_ERRORS = "count index rows to_dicts view"
ITEM_ERROR = "code exception index item message remediation status step"
STEP_CELL = """
    about args attempts button cached error exit_code id output seconds status stderr stdout tries
"""
VALIDATION = "errors name ok problems to_dict warnings"
DRAWER = """
    beside buttons created_at description drawer_kind flow graph inputs key_texts load name on_error
    output_schema return_ schema_version steps triggers updated_at validate version
"""
FAILED = "add_note args code default_code info message remediation results with_traceback"

RAISES = {
    "register_backend": "UsageError",
    "register_button": "UsageError",
    "register_step": "UsageError",
    "press": "DefinitionError DrawerNotFound UsageError BackendError DrawerFailed DrawerCancelled",
    "apress": "CancelledError DrawerError",
    "aeach": "CancelledError DrawerError",
    "each": "DefinitionError ButtonNotFound UsageError BackendError DrawerFailed DrawerCancelled",
    "button": "UsageError",
    "Drawer.load": "DefinitionError DrawerNotFound UsageError",
    "Drawer.validate": "UsageError",
    "Results.__getitem__": "IndexError UnknownColumn TypeError",
    "Results.aretry": "CancelledError DrawerError",
    "Results.explain": "IndexError TypeError",
    "Results.filter": "UnknownColumn TypeError Exception",
    "Results.open": "UsageError",
    "Results.retry": "UsageError DefinitionError",
    "Results.sort": "UnknownColumn TypeError Exception",
    "Results.step": "UsageError",
    "Results.timeline": "UsageError",
    "Results.tail": "TypeError",
    "Results.to_arrow": "MissingLibrary",
    "Results.head": "TypeError",
    "Results.join": "UsageError UnknownColumn MissingLibrary",
    "Results.save": "UsageError MissingLibrary OSError",
    "Results.to_csv": "OSError",
    "Results.to_dict": "UsageError",
    "Results.to_json": "OSError",
    "Results.to_jsonl": "OSError",
    "Results.to_pandas": "MissingLibrary",
    "Results.to_parquet": "MissingLibrary OSError",
    "Results.to_polars": "MissingLibrary",
    "Row.__getitem__": "UnknownColumn",
    "Column.__getitem__": "IndexError",
    "ItemErrors.__getitem__": "IndexError",
}
"""The errors that each public function documents; a function that is not listed documents none."""

TEXT = """
steps:
  - id: each
    kind: for_each
    over: ${[1, 2, 0]}
    as: n
    on_item_failure: continue
    steps: [{id: inverse, button: inverse, args: {n: "${n}"}}]
"""


def inverse(n: int) -> float:
    return 1 / n


@pytest.fixture(scope="module")
def table() -> Results:
    return press(TEXT, quiet=True)


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_the_package_exports_the_listed_names() -> None:
    assert set(drawer_ipy.__all__) == {*FUNCTIONS, *ERRORS, *CLASSES, "__version__"}
    assert list(drawer_ipy.__all__) == sorted(drawer_ipy.__all__)
    assert all(inspect.isfunction(getattr(drawer_ipy, name)) for name in FUNCTIONS)
    assert all(inspect.isclass(getattr(drawer_ipy, name)) for name in CLASSES)
    assert all(issubclass(getattr(drawer_ipy, name), drawer_ipy.DrawerError) for name in ERRORS)
    assert set(drawer_ipy.__all__) <= set(dir(drawer_ipy))
    with pytest.raises(AttributeError, match="has no attribute 'pres'"):
        drawer_ipy.pres  # noqa: B018 - reading it is what is tested
    assert set(results.__all__) == {
        "Column", "ItemError", "ItemErrors", "Mask", "MissingLibrary", "Results", "Row", "StepCell",
        "UnknownColumn", "check_save_path",
    }  # fmt: skip


def test_tables_rows_and_columns_have_the_listed_attributes(table: Results) -> None:
    assert public(table) == set(RESULTS.split())
    assert public(table[0]) == set(ROW.split())
    assert public(table["inverse"]) == set(COLUMN.split())
    assert public(table.errors) == set(ITEM_ERRORS.split())
    assert public(table.errors[0]) == set(ITEM_ERROR.split())
    assert public(table[0].steps["inverse"]) == set(STEP_CELL.split())


def test_drawers_and_validations_have_the_listed_attributes() -> None:
    drawer = Drawer.load(TEXT)
    pydantics = set(dir(pydantic.BaseModel)) - {"validate"}
    assert {name for name in dir(drawer) if not name.startswith("_")} - pydantics == set(DRAWER.split())
    assert public(drawer.validate()) == set(VALIDATION.split())


def test_a_failure_has_the_listed_attributes() -> None:
    with pytest.raises(DrawerFailed) as caught:
        press(TEXT.replace("continue", "stop"), quiet=True)
    assert public(caught.value) == set(FAILED.split())


def described(kind: type, names: str) -> dict[str, Any]:
    """The methods and properties of `kind` by dotted name; data attributes are described by their class."""
    found = {name: inspect.getattr_static(kind, name, None) for name in (*names.split(), "__getitem__")}
    return {
        f"{kind.__name__}.{name}": member
        for name, member in found.items()
        if isinstance(member, property | classmethod) or inspect.isfunction(member)
    }


PUBLIC = {
    **{name: getattr(drawer_ipy, name) for name in (*FUNCTIONS, *ERRORS, *CLASSES)},
    **described(Results, RESULTS),
    **described(Row, ROW),
    **described(Column, COLUMN),
    **described(ItemErrors, ITEM_ERRORS),
    **described(Validation, VALIDATION),
    **described(Drawer, "graph load validate"),
}
INHERITED = {"Row.get", "Row.items", "Row.keys", "Row.values"}
INHERITED |= {f"{kind}.{name}" for kind in ("Column", "ItemErrors") for name in ("count", "index")}
"""Methods of Python's own base classes."""


def documented(name: str) -> str:
    return inspect.getdoc(getattr(PUBLIC[name], "__func__", PUBLIC[name])) or ""


def raised(doc: str) -> list[str]:
    """The errors of the section ``Raises:``."""
    section = re.search(r"^Raises:\n((?:    .*(?:\n|\Z))+)", doc, re.MULTILINE)
    entries = re.findall(r"^    (\w[\w., ]*):(?: |$)", section[1], re.MULTILINE) if section else []
    return [error.strip().rpartition(".")[2] for entry in entries for error in entry.split(",")]


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - INHERITED))
def test_a_public_name_has_a_docstring_that_lists_its_errors(name: str) -> None:
    doc = documented(name)
    assert doc.strip(), f"{name} has no docstring"
    assert raised(doc) == RAISES.get(name, "").split()


@pytest.mark.parametrize(
    "kind", [Results, Column, ItemError, StepCell, DrawerFailed, drawer_ipy.DefinitionError]
)
def test_data_attributes_are_documented_in_their_class(kind: type) -> None:
    fields = {
        Results: [],
        Column: ["name"],
        ItemError: ITEM_ERROR.split(),
        StepCell: STEP_CELL.split(),
        DrawerFailed: ["results"],
        drawer_ipy.DefinitionError: ["problems", "source"],
    }[kind]
    section = (inspect.getdoc(kind) or "").partition("Attributes:")[2]
    assert not [
        name for name in fields if not re.search(rf"^    [\w, ]*\b{name}\b[\w, ]*:", section, re.MULTILINE)
    ]


def test_every_listed_error_exists() -> None:
    known = {**vars(builtins), **{n: getattr(drawer_ipy, n) for n in ERRORS}, **vars(results)}
    known["CancelledError"] = asyncio.CancelledError
    assert RAISES.keys() <= PUBLIC.keys()
    for errors in RAISES.values():
        assert all(issubclass(known[error], BaseException) for error in errors.split())


WRONG: dict[str, tuple[type[Exception], Callable[[Results, Path], Any]]] = {
    "press: an input": (UsageError, lambda t, _: press(TEXT, 3)),  # type: ignore[arg-type]
    "press: buttons": (UsageError, lambda t, _: press(TEXT, buttons=[inverse])),  # type: ignore[arg-type]
    "press: a button": (UsageError, lambda t, _: press(TEXT, buttons={"inverse": 3})),  # type: ignore[dict-item]
    "press: an option": (UsageError, lambda t, _: press(TEXT, mode="none")),  # type: ignore[arg-type]
    "press: a name": (drawer_ipy.DrawerNotFound, lambda t, _: press("no-such-drawer")),
    "press: a text": (drawer_ipy.DefinitionError, lambda t, _: press("steps: [{id: a, button: absent}]")),
    "load: a type": (UsageError, lambda t, _: Drawer.load(3)),  # type: ignore[arg-type]
    "load: a text": (drawer_ipy.DefinitionError, lambda t, _: Drawer.load("steps: [")),
    "validate: inputs": (UsageError, lambda t, _: Drawer.load(TEXT).validate(3)),  # type: ignore[arg-type]
    "validate: buttons": (
        UsageError,
        lambda t, _: Drawer.load(TEXT).validate(buttons=[inverse]),  # type: ignore[arg-type]
    ),
    "button: no function": (UsageError, lambda t, _: drawer_ipy.button(3)),  # type: ignore[call-overload]
    "button: a time": (UsageError, lambda t, _: drawer_ipy.button(cache="soon")(inverse)),
    "[]: a row": (IndexError, lambda t, _: t[3]),
    "[]: a column": (results.UnknownColumn, lambda t, _: t["absent"]),
    "[]: a type": (TypeError, lambda t, _: t[1.5]),  # type: ignore[call-overload]
    "explain: a row": (IndexError, lambda t, _: t.explain(3)),
    "explain: a type": (TypeError, lambda t, _: t.explain("a")),  # type: ignore[arg-type]
    "filter: a column": (results.UnknownColumn, lambda t, _: t.filter(absent=1)),
    "filter: a type": (TypeError, lambda t, _: t.filter(3)),  # type: ignore[arg-type]
    "filter: its own": (ZeroDivisionError, lambda t, _: t.filter(lambda row: 1 / row["n"])),
    "sort: a column": (results.UnknownColumn, lambda t, _: t.sort("absent")),
    "sort: a type": (TypeError, lambda t, _: t.sort(3)),  # type: ignore[arg-type]
    "sort: its own": (ZeroDivisionError, lambda t, _: t.sort(lambda row: 1 / row["n"])),
    "step: an id": (UsageError, lambda t, _: t.step("absent")),
    "to_csv: a folder": (OSError, lambda t, folder: t.to_csv(folder / "absent" / "a.csv")),
    "to_json: a folder": (OSError, lambda t, folder: t.to_json(folder / "absent" / "a.json")),
    "to_parquet: a folder": (OSError, lambda t, folder: t.to_parquet(folder / "absent" / "a.parquet")),
    "row: a column": (results.UnknownColumn, lambda t, _: t[0]["absent"]),
    "column: a row": (IndexError, lambda t, _: t["n"][3]),
    "errors: a row": (IndexError, lambda t, _: t.errors[1]),
    "validation: its truth": (TypeError, lambda t, _: bool(Drawer.load(TEXT).validate())),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_use_raises_the_documented_error(what: str, table: Results, tmp_path: Path) -> None:
    error, use = WRONG[what]
    with pytest.raises(error, match=r"\S"):
        use(table, tmp_path)
