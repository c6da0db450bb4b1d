"""The step kinds, one module each; this table is the one place where a kind is made known."""

from drawer_ipy.engine.plan import StepKinds
from drawer_ipy.engine.steps.aggregate import AggregateStep
from drawer_ipy.engine.steps.batch import BatchStep
from drawer_ipy.engine.steps.button import ButtonStep
from drawer_ipy.engine.steps.drawer import DrawerStep
from drawer_ipy.engine.steps.for_each import ForEachStep
from drawer_ipy.engine.steps.merge import MergeStep
from drawer_ipy.engine.steps.split import SplitStep
from drawer_ipy.engine.steps.switch import SwitchStep
from drawer_ipy.engine.steps.transform import TransformStep
from drawer_ipy.engine.steps.wait import WaitStep

STEP_KINDS: StepKinds = {
    "button": ButtonStep,
    "for_each": ForEachStep,
    "drawer": DrawerStep,
    "switch": SwitchStep,
    "aggregate": AggregateStep,
    "wait": WaitStep,
    "transform": TransformStep,
    "split": SplitStep,
    "merge": MergeStep,
    "batch": BatchStep,
}

__all__ = ["STEP_KINDS"]
