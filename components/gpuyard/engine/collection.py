"""What the running program registers, seen from inside it: under Pulumi's engine as in-process."""

import asyncio
from pathlib import Path
from typing import Any

import pulumi

from gpuyard.engine.monitor import describe_registration
from gpuyard.engine.sdk import watch_registrations
from gpuyard.resources import Resource


class Collection:
    """The resources that a program makes after this.

    `finish` waits for them. It must not be awaited by what they wait for, or all of them wait for ever.
    """

    def __init__(self) -> None:
        self._made: list[pulumi.Resource] = []
        self._requests: dict[str, Any] = {}
        watch_registrations(self._requests.__setitem__)
        pulumi.runtime.register_stack_transformation(self._remember)

    def _remember(self, args: pulumi.ResourceTransformationArgs) -> None:
        self._made.append(args.resource)

    async def finish(self) -> tuple[Resource, ...]:
        """Everything made until the program's main function ended, sorted by URN.

        Without those whose registration failed: the engine has said so by then.
        """
        await asyncio.sleep(0)
        seen = 0
        while seen < len(self._made):
            batch, seen = self._made[seen:], len(self._made)
            await asyncio.gather(*(made.urn.future() for made in batch), return_exceptions=True)
        root = Path(pulumi.get_root_directory())
        return tuple(
            describe_registration(urn, self._requests[urn], {}, root) for urn in sorted(self._requests)
        )
