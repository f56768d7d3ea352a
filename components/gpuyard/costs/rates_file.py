"""Reading rates files (`docs/reference/rates-file.md`): every problem at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from gpuyard.costs.machine import reserved_price
from gpuyard.costs.rates import COMMITMENTS, Commitment, Discount, OwnPrice, Rates, Scope
from gpuyard.costs.usage_file import currency_problems, problem, read_yaml_file
from gpuyard.errors import Finding, SpecError, did_you_mean

_SCOPE = ("cloud", "type", "region", "resource", "component", "machine_type")
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "prices": ("name", "usd", "as_of", *_SCOPE),
    "discounts": ("name", "percent", *_SCOPE),
    "commitments": ("name", "kind", "count", "term", "usd", "usd_per_hour", "percent", *_SCOPE),
}
KINDS = tuple(COMMITMENTS)
_TOP = ("version", "currency", *_SECTIONS)


def read_rates(path: Path) -> Rates:
    """A rates file.

    Raises:
        SpecError: unreadable, not YAML, or with problems, every one of them.
    """
    return parse_rates(read_yaml_file(path))


def load_rates(directory: Path, stack: str) -> Rates | None:
    """The rates that stand beside the stack's file, ``rates.<stack>.yaml``; None where there are none.

    Raises:
        SpecError: the file is there but broken; paths name it.
    """
    path = directory / f"rates.{stack}.yaml"
    if not path.exists():
        return None
    try:
        return read_rates(path)
    except SpecError as error:
        raise SpecError(
            [replace(found, path=f"{path.name}: {found.path}") for found in error.findings]
        ) from None


def parse_rates(data: Any) -> Rates:
    """Rates from plain data.

    Raises:
        SpecError: with every problem.
    """
    if data is None:
        return Rates()
    if not isinstance(data, Mapping):
        raise SpecError(
            [problem("", "RATES_SHAPE", "is not a mapping", "begin with `prices:` or `discounts:`")]
        )
    problems = [
        problem(str(key), "UNKNOWN_KEY", "is not a key of a rates file", _hint(str(key), _TOP))
        for key in data
        if key not in _TOP
    ]
    problems += currency_problems(data.get("currency"))
    entries = {name: list(_entries(name, data.get(name), problems)) for name in _SECTIONS}
    problems += _twice(entries["prices"])
    if problems:
        raise SpecError(problems)
    commitments = [_commitment(path, entry, problems) for path, entry in entries["commitments"]]
    if problems:
        raise SpecError(problems)
    return Rates(
        prices=tuple(
            OwnPrice(
                name=str(entry.get("name") or path),
                scope=_scope(entry),
                usd=_number(entry, "usd"),
                as_of=str(entry.get("as_of") or ""),
            )
            for path, entry in entries["prices"]
        ),
        discounts=tuple(
            Discount(name=str(entry["name"]), scope=_scope(entry), share=_number(entry, "percent") / 100)
            for _, entry in entries["discounts"]
        ),
        commitments=tuple(commitments),
    )


def _entries(section: str, entries: Any, problems: list[Finding]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if entries is None:
        return
    if not isinstance(entries, list):
        problems.append(problem(section, "RATES_SHAPE", "is not a list", "write `- {name: …}`"))
        return
    for number, entry in enumerate(entries):
        path = f"{section}[{number}]"
        if not isinstance(entry, Mapping):
            problems.append(problem(path, "RATES_SHAPE", "is not a mapping", "write `{name: …}`"))
            continue
        found = list(_entry_problems(section, path, entry))
        problems += found
        if not found:
            yield path, entry


def _entry_problems(section: str, path: str, entry: Mapping[str, Any]) -> Iterator[Finding]:
    known = _SECTIONS[section]
    for key in entry:
        if key not in known:
            yield problem(f"{path}.{key}", "UNKNOWN_KEY", "is not a key of it", _hint(str(key), known))
    for key in ("usd", "usd_per_hour", "count", "percent"):
        value = entry.get(key)
        if value is None:
            continue
        highest = 100 if key == "percent" else 1e12
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
            fix = "write a number from 0 to 100" if key == "percent" else "write a number from 0 up"
            yield problem(f"{path}.{key}", "RATES_AMOUNT", "is not an amount", fix, value)
    required = {"prices": ("usd",), "discounts": ("name", "percent"), "commitments": ("name", "kind")}
    for key in required[section]:
        if entry.get(key) is None:
            yield problem(f"{path}.{key}", "RATES_SHAPE", "is required", "write it")
    if section == "prices" and not (entry.get("component") or entry.get("machine_type")):
        fix = "say which: `component` as in the report's lines, or `machine_type`"
        yield problem(path, "RATES_SHAPE", "is a price of nothing in particular", fix)
    if section == "commitments" and entry.get("kind") not in (None, *KINDS):
        yield problem(f"{path}.kind", "UNKNOWN_KEY", "is not a kind", _hint(str(entry["kind"]), KINDS))


def _twice(prices: list[tuple[str, Mapping[str, Any]]]) -> Iterator[Finding]:
    seen: dict[Scope, str] = {}
    for path, entry in prices:
        scope = _scope(entry)
        if scope in seen:
            message = f"is a second price for what {seen[scope]} prices"
            yield problem(path, "TWO_PRICES", message, "keep one of them", scope.component)
        seen.setdefault(scope, path)


def _commitment(path: str, entry: Mapping[str, Any], problems: list[Finding]) -> Commitment:
    kind, scope = str(entry["kind"]), _scope(entry)
    source, as_of, usd = "the user's rates", "", _number(entry, "usd")
    is_plan = kind == "savings_plan"
    required = ("usd_per_hour", "percent") if is_plan else ("machine_type", "region", "count")
    missing = [key for key in required if entry.get(key) is None]
    problems += [problem(f"{path}.{key}", "RATES_SHAPE", "is required", "write it") for key in missing]
    if not is_plan and not missing and entry.get("usd") is None:
        cloud = "aws" if kind == "reserved_instance" else "gcp"
        term = str(entry.get("term") or ("1y_no_upfront" if cloud == "aws" else "1y"))
        term = term if cloud == "gcp" or term.startswith(("standard", "convertible")) else f"standard_{term}"
        price = reserved_price(cloud, scope.component, scope.region, term)
        if price is None:
            message = f"no price of {scope.component} in {scope.region} for {term} is known"
            fix = "write `usd`, USD per machine-hour"
            problems.append(problem(path, "RATES_PRICE", message, fix))
        else:
            usd, source, as_of = Decimal(str(price.usd)), price.source, price.as_of
    return Commitment(
        name=str(entry["name"]),
        scope=scope,
        kind=kind,
        count=_number(entry, "count"),
        usd=usd,
        usd_per_hour=_number(entry, "usd_per_hour"),
        share=_number(entry, "percent") / 100,
        source=source,
        as_of=as_of,
    )


def _scope(entry: Mapping[str, Any]) -> Scope:
    return Scope(
        cloud=str(entry.get("cloud") or ""),
        type=str(entry.get("type") or ""),
        region=str(entry.get("region") or ""),
        resource=str(entry.get("resource") or ""),
        component=str(entry.get("component") or entry.get("machine_type") or ""),
    )


def _number(entry: Mapping[str, Any], key: str) -> Decimal:
    return Decimal(str(entry.get(key) or 0))


def _hint(value: str, known: Any) -> str:
    return did_you_mean(value, known) or "use one of " + ", ".join(known)
