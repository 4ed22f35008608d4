"""Filters: ``key-reference=0x…`` or ``attr.NAME=VALUE``; all terms must match (aws-cloudhsm 4.1)."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.cli.cloudhsm import attribute_values
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.client import FoundObjects, KeyNotFound, ObjectView, Session
from strongroom.client.messages import Template
from strongroom.client.object_kinds import ObjectClass
from strongroom.vocabulary.attributes import Attribute

_KEY_CLASSES = (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a key must be: its reference, and all attributes of the template."""

    text: str
    reference: int | None
    template: Template

    def matches(self, key: ObjectView) -> bool:
        """Whether a key has all the attributes."""
        return all(key.attributes.get(number) == value for number, value in self.template.items())


def parse(terms: Sequence[str]) -> Filter:
    """The terms of a filter option; none match every key."""
    reference: int | None = None
    template: Template = {}
    for term in terms:
        name, separator, text = term.partition("=")
        if name == "key-reference" and separator:
            if reference is not None:
                raise CommandError("The filter names two key references; a key has one.")
            reference = parse_reference(text)
        elif name.startswith("attr.") and separator:
            attribute = attribute_values.named(name.removeprefix("attr."))
            if attribute.value in template:
                raise CommandError(f"The filter names {name} twice; all terms must match.")
            template[attribute.value] = attribute_values.parse(attribute, text)
        else:
            raise CommandError(
                f"{term!r} is no filter: write key-reference=0x… or attr.NAME=VALUE, as in attr.label=k1."
            )
    return Filter(" ".join(terms), reference, template)


def parse_reference(text: str) -> int:
    """A key reference in hexadecimal."""
    digits = text.removeprefix("0x")
    if not text.startswith("0x") or not 0 < len(digits) <= 16 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise CommandError(f"{text!r} is no key reference: it must be 0x and up to 16 hexadecimal digits.")
    return int(digits, 16)


def one(session: Session, wanted: Filter) -> ObjectView:
    """The one key that matches; an error when none or several do."""
    keys = page(session, wanted, after=0, limit=2)
    if not keys.objects:
        raise CommandError(f"No key matches the filter {wanted.text}; `key list` shows the keys that you can see.")
    if keys.total > 1:
        raise CommandError(
            f"{keys.total} keys match the filter {wanted.text} and the command needs one: add a term such as "
            "attr.class=private-key, or use key-reference=0x…"
        )
    return keys.objects[0]


def page(session: Session, wanted: Filter, *, after: int, limit: int) -> FoundObjects:
    """Up to ``limit`` keys that match, with references above ``after``, in ascending order."""
    if wanted.reference is not None:
        return _by_reference(session, wanted, wanted.reference, after)
    asked = wanted.template.get(Attribute.CLASS.value)
    classes = [kind for kind in _KEY_CLASSES if asked in (None, kind)]
    pages = [_collect(session, wanted.template | {Attribute.CLASS.value: kind.value}, after, limit) for kind in classes]
    merged = list(heapq.merge(*(found.objects for found in pages), key=lambda key: key.reference))
    more = len(merged) > limit or any(found.more for found in pages)
    return FoundObjects(objects=merged[:limit], more=more, total=sum(found.total for found in pages))


def _by_reference(session: Session, wanted: Filter, reference: int, after: int) -> FoundObjects:
    try:
        key = session.objects.get(reference)
    except KeyNotFound:
        return FoundObjects(objects=[], more=False, total=0)
    is_key = key.value(Attribute.CLASS) in (None, *_KEY_CLASSES)
    objects = [key] if is_key and wanted.matches(key) else []
    return FoundObjects(objects=[o for o in objects if o.reference > after], more=False, total=len(objects))


def _collect(session: Session, template: Template, after: int, limit: int) -> FoundObjects:
    """One page of one class; an HSM may answer with fewer than it was asked for."""
    found = session.objects.find(template, after=after, limit=limit)
    objects, total = list(found.objects), found.total
    while found.more and found.objects and len(objects) < limit:
        found = session.objects.find(template, after=objects[-1].reference, limit=limit - len(objects))
        objects += found.objects
    return FoundObjects(objects=objects, more=found.more, total=total)
