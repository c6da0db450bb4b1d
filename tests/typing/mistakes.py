"""What a type checker must refuse: every line marked ``# wrong``, and no other (tests/test_typing.py)."""

from __future__ import annotations

import drawer_ipy
from drawer_ipy import Drawer, DrawerFailed, Results, button, press


@button
def double(n: int) -> int:
    return 2 * n


@button(timeout="20")  # wrong
def late() -> None: ...


def mistakes(results: Results, failed: DrawerFailed) -> None:
    drawer_ipy.pres("a")  # wrong
    double("3")  # wrong
    double(3, 4)  # wrong
    press(3)  # wrong
    press("a", on_failure="maybe")  # wrong
    press("a", parallelism="many")  # wrong
    press("a", paralelism=3)  # wrong
    press("a", check=True).titles  # wrong
    Drawer.load(3)  # wrong
    Drawer.load("a").validate(buttons=[double])  # wrong
    results[3.5]  # wrong
    results[0].itm  # wrong
    results["n"].to_lst()  # wrong
    results.filter(3)  # wrong
    results.sort(by=3)  # wrong
    results.errors[0].cod  # wrong
    failed.result  # wrong
    text: int = results.to_csv()  # wrong
    nothing: str = results.to_csv("a.csv")  # wrong
    del text, nothing
