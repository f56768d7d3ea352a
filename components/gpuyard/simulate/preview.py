"""The clouds' answers to a first preview: nothing exists yet, look-ups are answered from tables."""

from collections.abc import Mapping
from typing import Any

from gpuyard.engine.answers import Answers, Registration, calling_provider
from gpuyard.errors import EngineError
from gpuyard.resources import Resource
from gpuyard.simulate.functions import answer_function
from gpuyard.simulate.lookup import Lookup, NothingThere
from gpuyard.simulate.place import ProviderBook
from gpuyard.simulate.scenario import Scenario

PROVIDER_TYPE = "pulumi:providers:"


def preview_answers(config: Mapping[str, str] | None = None, scenario: Scenario | None = None) -> Answers:
    """Answers for `gpuyard plan`: providers have ids, other resources' outputs are unknown.

    ``config`` is the stack's config by full key; ``aws:region``, ``gcp:project`` and the like serve the
    providers that a program does not make itself. Of the scenario only the answers to functions count.
    """
    return _FirstPreview(config or {}, scenario or Scenario())


class _FirstPreview:
    def __init__(self, config: Mapping[str, str], scenario: Scenario) -> None:
        self._scenario = scenario
        self._book = ProviderBook(config)
        self._lookup: Lookup = NothingThere()

    def register(self, resource: Resource, *, preview: bool) -> Registration:
        if not preview:
            raise EngineError("these answers are for previews: use a simulated deployment to create anything")
        self._book.note(resource)
        is_provider = resource.type.startswith(PROVIDER_TYPE)
        return Registration(id=f"{resource.name}-id" if is_provider else "")

    def read(self, resource: Resource) -> Registration:
        """A resource that the program looks up by id: it is there, its outputs are not known offline."""
        return Registration(id=resource.id or "")

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        for answer in self._scenario.answers:
            if answer.answers(token, args):
                return dict(answer.result)
        place = self._book.place(token, calling_provider.get(), args)
        return answer_function(token, args, place, self._lookup)
