"""The drawer of the programs that tests kill."""

from __future__ import annotations

DRAWER = """
name: killed
inputs: [xs]
steps:
  - {id: before, button: before}
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    parallelism: 8
    on_item_failure: continue
    steps:
      - {id: first, button: first, args: {x: "${x}"}}
      - {id: second, button: second, args: {x: "${first.output.x}"}}
  - {id: total, kind: aggregate, from: "${each.output.results}", pluck: "${item.steps.second.output}"}
"""
