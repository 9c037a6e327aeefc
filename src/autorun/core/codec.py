"""Values of the line as JSON and back."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from cattrs.errors import BaseValidationError
from cattrs.preconf.json import make_converter

from autorun.core.errors import RecordUnreadable
from autorun.core.record import VERSION, Record

_T = TypeVar("_T")
_converter = make_converter(omit_if_default=True)
_converter.register_unstructure_hook(Path, str)
_converter.register_structure_hook(Path, lambda value, _: Path(value))


def dumps(value: object) -> str:
    """Return any value of the line as one line of JSON; fields at their default are left out."""
    return json.dumps(_converter.unstructure(value), ensure_ascii=False, separators=(",", ":"))


def loads(text: str, kind: type[_T]) -> _T:
    """Read a value of `kind` back. Raises ValueError, with a sentence, on anything else."""
    try:
        return _converter.structure(json.loads(text), kind)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is no {kind.__name__}: {error}") from error


def dump_record(record: Record) -> str:
    """Return a record as the text of its `record.json`."""
    plain: dict[str, Any] = _converter.unstructure(replace(record, extra={}))
    return json.dumps({"v": record.v, **record.extra, **plain}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def load_record(text: str) -> Record:
    """Read a `record.json`; unknown fields are kept. Raises RecordUnreadable (damaged, or from a newer version)."""
    try:
        document = json.loads(text)
        version = document["v"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RecordUnreadable(
            f"the record is damaged: {error}", hint="`autorun doctor` explains how to drop it"
        ) from None
    if version != VERSION:
        raise RecordUnreadable(
            f"the record has version {version!r}, this Autorun reads version {VERSION}",
            hint="update Autorun on this runner",
        )
    known = {field.name for field in fields(Record)} - {"extra"}
    try:
        record = _converter.structure({k: v for k, v in document.items() if k in known}, Record)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RecordUnreadable(
            f"the record is damaged: {error}", hint="`autorun doctor` explains how to drop it"
        ) from None
    return replace(record, extra={k: v for k, v in document.items() if k not in known})
