"""The options of `vigent make`, derived from the one definition of what a film is made of."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from gateway.fields import Consent, shortened
from gateway.films.request import HINTS, FilmRequest, film_request
from gateway.films.spec import request_field
from services.base.errors import InvalidInputError
from services.text.notation.dictionary import entries_of

_LARGEST_TEXT_BYTES = 2**20
_OF, _FILE = "_of", "_file"  # suffixes of a field's extra parameters: who consents, and the file with its text
_FIELDS = FilmRequest.model_fields
_P = ParamSpec("_P")
_SCHEMA: dict[str, dict[str, Any]] = FilmRequest.model_json_schema()["properties"]


def takes_film(command: Callable[_P, None]) -> Callable[_P, None]:
    """Gives a typer command an argument or options for each field of a film, passed to it in `**given`."""
    own = signature(command, eval_str=True)
    named = [parameter for parameter in own.parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
    derived = [parameter for field in _FIELDS for parameter in _parameters(field)]
    command.__signature__ = own.replace(parameters=[*derived, *named])  # type: ignore[attr-defined]
    return command


def film_of(given: Mapping[str, Any]) -> FilmRequest:
    """The request built from `given`; text files are read. Raises InvalidInputError."""
    _check_standard_input(given)
    return film_request({field: _value(field, given) for field in _FIELDS}, "`vigent make --help`")


def files_of(given: Mapping[str, Any]) -> dict[str, str | Path | None]:
    """What was given to each argument and option that may name a file."""
    return _text_files_of(given) | {option_of(field): given[field] for field, hint in HINTS.items() if hint.entry}


def _text_files_of(given: Mapping[str, Any]) -> dict[str, str | Path | None]:
    return {hint.text_file: given[_file_of(field)] for field, hint in HINTS.items() if hint.text_file}


def option_of(field: str) -> str:
    """The argument or option for a field of a request or of a spec; for anything else its name."""
    name, dot, inside = request_field(field).partition(".")
    if name not in HINTS:
        return f"{name}{dot}{inside}"
    option = _option(name)
    if _is_consent(name):
        return {"person": f"{option}-of", "statement": option}.get(inside, f"{option}-of, {option}")
    return f"{option}, {inside}" if inside else option


def read_text(path: str, option: str) -> str:
    """The text of a file, or of standard input for "-". Raises InvalidInputError for the `option` that names it."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_LARGEST_TEXT_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(_LARGEST_TEXT_BYTES + 1)
        if len(data) > _LARGEST_TEXT_BYTES:
            raise InvalidInputError(f"{path} is too large for a script.", "Split it into several films.", option)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8 text."
        raise InvalidInputError(f"{path} is not UTF-8 text.", remedy, option, "NOT_UTF8") from error
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.", "Give a text file.", option) from error


def _check_standard_input(given: Mapping[str, Any]) -> None:
    """Raises InvalidInputError if two options read standard input: the second would find it empty."""
    readers = [option for option, file in _text_files_of(given).items() if str(file) == "-"]
    if len(readers) > 1:
        problem = f"{' and '.join(readers)} cannot both be read from standard input."
        raise InvalidInputError(problem, "Give a file for one of them.", readers[-1])


def _parameters(field: str) -> Iterator[Parameter]:
    option, hint, told = _option(field), HINTS[field], _told(field)
    if _is_consent(field):
        who, words = Consent.model_fields["person"], Consent.model_fields["statement"]
        yield _parameter(f"{field}{_OF}", str, "", typer.Option(f"{option}-of", help=f"{told} {who.description}"))
        yield _parameter(field, str, "", typer.Option(option, help=f"{told} {words.description}"))
        return
    if _is_argument(field):
        yield _parameter(
            field, str, Parameter.empty, typer.Argument(help=f"Text file, or - for standard input. {told}")
        )
        return
    yield _of_one_value(field)
    if hint.text_file:
        of_many = " with one a line" if _is_list(field) else ""
        stated = typer.Option(hint.text_file, help=f"Text file{of_many}. {told}")
        yield _parameter(_file_of(field), Path | None, None, stated)


def _of_one_value(field: str) -> Parameter:
    info, hint, option = _FIELDS[field], HINTS[field], _option(field)
    told, default, kind = _told(field), info.default, info.annotation
    if hint.switch:
        kind, default = bool, default == hint.switch[0]
    if kind is bool:
        return _parameter(field, kind, default, typer.Option(f"{option}/--no-{option.removeprefix('--')}", help=told))
    if _is_list(field):
        kind = list[str]
    elif default is None:
        kind, default = str, ""
    limits = _SCHEMA[field]
    stated = typer.Option(option, help=told, min=limits.get("minimum"), max=limits.get("maximum"))
    return _parameter(field, kind, default, stated)


def _told(field: str) -> str:
    told, entry = _FIELDS[field].description or "", HINTS[field].entry
    longest = _SCHEMA[field].get("maxLength")
    told = f"{told} At most {longest:,} characters." if longest else told
    return f"{told} A file, or the id or name of an entry in the {entry} library." if entry else told


def _parameter(name: str, kind: object, default: object, info: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _value(field: str, given: Mapping[str, Any]) -> object:
    hint, value = HINTS[field], given[field]
    if _is_consent(field):
        return _consent(field, given[f"{field}{_OF}"], value)
    if hint.text_file and (path := given[_file_of(field)]) is not None:
        if value and not _is_argument(field) and not _is_list(field):
            problem = f"{_option(field)} and {hint.text_file} are both given."
            raise InvalidInputError(problem, "Give one of them.", hint.text_file)
        text = read_text(str(path), hint.text_file)
        if _is_list(field):
            return [*entries_of(text), *value]
        return text if _is_argument(field) else text.strip()
    if hint.switch:
        return hint.switch[0 if value else 1]
    if _is_list(field) and not hint.text_file:
        return [_object(each, _option(field)) for each in value]
    return _FIELDS[field].default if value == "" else value


def _object(text: str, option: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        remedy = 'Give an object such as {"segment": 3, "take": 1}.'
        raise InvalidInputError(f"{shortened(text)} is not JSON.", remedy, option, "NO_JSON") from error


def _consent(field: str, person: str, statement: str) -> dict[str, str] | None:
    """None if neither is given. Raises InvalidInputError if only one is."""
    if bool(person.strip()) != bool(statement.strip()):
        problem = "A consent needs the person and the words of the agreement."
        raise InvalidInputError(problem, "Give both.", field, "NO_CONSENT")
    return {"person": person, "statement": statement} if person.strip() else None


def _option(field: str) -> str:
    return HINTS[field].text_file if _is_argument(field) else HINTS[field].option or f"--{field.replace('_', '-')}"


def _file_of(field: str) -> str:
    """The parameter that names a file with the text of the field."""
    return field if _is_argument(field) else f"{field}{_FILE}"


def _is_argument(field: str) -> bool:
    return HINTS[field].text_file.isupper()


def _is_list(field: str) -> bool:
    return isinstance(_FIELDS[field].default, list)


def _is_consent(field: str) -> bool:
    return _FIELDS[field].annotation == (Consent | None)
