"""Values of the line as JSON and back."""

import json
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from cattrs.errors import BaseValidationError
from cattrs.preconf.json import make_converter

from autorun.core.errors import RecordUnreadable
from autorun.core.ledger.record import VERSION, Record

_T = TypeVar("_T")
_converter = make_converter(omit_if_default=True)
_converter.register_unstructure_hook(Path, str)
_converter.register_structure_hook(Path, lambda value, _: Path(value))


def _moment(value: Any, _: type[datetime]) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:  # it could not be compared with any of ours
        raise ValueError(f"{value} has no time zone")
    return moment


_converter.register_structure_hook(datetime, _moment)


def dumps(value: object) -> str:
    """Return any value of the line as one line of JSON; fields at their default are left out."""
    return _encodable(json.dumps(_converter.unstructure(value), ensure_ascii=False, separators=(",", ":")))


def _parsed(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    return json.loads(text, parse_constant=refuse)


def loads(text: str, kind: type[_T]) -> _T:
    """Read a value of `kind` back. Raises ValueError, with a sentence, on anything else."""
    try:
        return _converter.structure(_parsed(text), kind)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is no {kind.__name__}: {error}") from error


def dump_record(record: Record) -> str:
    """Return a record as the text of its `record.json`."""
    plain: dict[str, Any] = _converter.unstructure(replace(record, extra={}))
    document = {"v": record.v, **record.extra, **plain}
    return _encodable(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)) + "\n"


def _encodable(text: str) -> str:
    """Return JSON with lone surrogates, as names that are no UTF-8 bring them, in JSON's own escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def load_record(text: str) -> Record:
    """Read a `record.json`; unknown fields are kept. Raises RecordUnreadable (damaged, or from a newer version)."""
    try:
        document = _parsed(text)
        version = document["v"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(error) from None
    if version != VERSION:
        raise RecordUnreadable(
            f"the record has version {version!r}, this Autorun reads version {VERSION}",
            hint="update Autorun on this runner",
        )
    known = {field.name for field in fields(Record)} - {"extra"}
    try:
        record = _converter.structure({k: v for k, v in document.items() if k in known}, Record)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(error) from None
    if record.holder is not None and not record.attempts:
        raise _damaged("it is held without an attempt")
    return replace(record, extra={k: v for k, v in document.items() if k not in known})


def _damaged(reason: object) -> RecordUnreadable:
    return RecordUnreadable(f"the record is damaged: {reason}", hint="`autorun doctor` explains how to drop it")
