"""``${...}`` references: compile a string (or a structure of strings) once, then resolve it many times.

>>> compile_template("page ${item.n + 1} of ${size(inputs.pages)}").resolve(
...     {"item": {"n": 0}, "inputs": {"pages": ["a", "b"]}}
... )
'page 1 of 2'
"""

from __future__ import annotations

from drawer_ipy.expressions.constants import ConstantFault, constant_faults, constant_value
from drawer_ipy.expressions.paths import alias_of
from drawer_ipy.expressions.references import Reference
from drawer_ipy.expressions.template import (
    Template,
    compile_expression,
    compile_template,
    compile_value,
)
from drawer_ipy.expressions.text import to_text

__all__ = [
    "ConstantFault",
    "Reference",
    "Template",
    "alias_of",
    "compile_expression",
    "compile_template",
    "compile_value",
    "constant_faults",
    "constant_value",
    "to_text",
]
