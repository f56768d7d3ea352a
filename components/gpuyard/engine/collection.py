"""What the running program registers, seen from inside it: under Pulumi's engine as in-process."""

import asyncio
from pathlib import Path

import pulumi

from gpuyard.engine.monitor import describe_registration
from gpuyard.engine.sdk import watch_program
from gpuyard.resources import Resource


class Collection:
    """The resources that a program makes from now on, and those that an earlier collection saw.

    Top-level resources and their children are seen where the program has a stack; what lies below a
    component that exists already, or that a remote caller asked for, only with `remember` among that
    component's transformations.
    """

    def __init__(self) -> None:
        self._watch = watch_program()
        if pulumi.runtime.get_root_resource() is not None:
            pulumi.runtime.register_stack_transformation(self.remember)

    def remember(self, args: pulumi.ResourceTransformationArgs) -> None:
        """A transformation that changes nothing."""
        self._watch.made.append(args.resource)

    async def finish(self) -> tuple[Resource, ...]:
        """Everything made until the program's main function ended, sorted by URN.

        Must not be awaited by what it waits for. Leaves out what failed: the engine has said so by then.
        """
        watch, seen = self._watch, 0
        while seen < len(watch.made):
            batch, seen = watch.made[seen:], len(watch.made)
            await asyncio.gather(*(made.urn.future() for made in batch), return_exceptions=True)
        root = Path(pulumi.get_root_directory())
        return tuple(
            describe_registration(urn, watch.requests[urn], {}, root) for urn in sorted(watch.requests)
        )
