"""What to say when a program fails: its own words, the line, and which kind of error that is for a user."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pulumi

from gpuyard.engine.place import project_place, raised_frames
from gpuyard.errors import EngineError, Finding, GpuyardError, SpecError


def explain(error: BaseException, root: Path, secrets: Sequence[str] = ()) -> GpuyardError | None:
    """The error to raise for one that a program raised; None: it left on purpose, as ``sys.exit(0)`` does.

    An error of gpuyard's own comes out as it was raised, from inside whatever the SDK wrapped it in.
    Refused config and code that does not compile are bad input; anything else is the program's failure.
    """
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, GpuyardError):
            return cause
    if isinstance(error, SystemExit):
        return None if not error.code else EngineError(f"the program ended itself: exit {error.code}")
    text = mask_secrets(str(error), secrets)
    if isinstance(error, SyntaxError):
        return _bad_input("NOT_PYTHON", _syntax_place(error, root), error.msg, "mend the line")
    place = next(filter(None, (project_place(raised_frames(item.__traceback__), root) for item in chain)), "")
    if isinstance(error, pulumi.ConfigMissingError | pulumi.ConfigTypeError):
        return _bad_input("CONFIG_INVALID", place, text.replace("\n", " "), "set it in the stack's config")
    at = f" at {place}" if place else ""
    if isinstance(error, pulumi.RunError):
        return EngineError(f"the program gave up{at}: {text}")
    return EngineError(f"the program failed{at}: {type(error).__name__}: {text}")


def mask_secrets(text: str, secrets: Sequence[str]) -> str:
    """``text`` without the secrets, as the engine masks what it prints."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _syntax_place(error: SyntaxError, root: Path) -> str:
    file = Path(error.filename or "")
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    return ":".join(str(part) for part in (name, error.lineno, error.offset) if part)


def _bad_input(code: str, path: str, message: str, fix: str) -> SpecError:
    return SpecError([Finding.error(code, path, f"{message[:1].lower()}{message[1:]}", fix)])
