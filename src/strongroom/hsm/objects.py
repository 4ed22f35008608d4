"""Objects: generate, import, unwrap, derive, wrap, set attributes, destroy.

The boundary decides what a caller may do with an object and makes it; the brain counts, commits and publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from strongroom.hsm.audit import DESTROY_OBJECT, AuditFacts, facts_of
from strongroom.hsm.brain import Brain, live_login, proposal
from strongroom.hsm.drafts import Draft, Later, Outcome, Proposal
from strongroom.hsm.messages import (
    CreateObjectRequest,
    DeriveKeyRequest,
    DestroyObjectRequest,
    GenerateKeyPairRequest,
    GenerateKeyRequest,
    SetAttributesRequest,
    UnwrapKeyRequest,
    WrapKeyRequest,
    read,
)
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.vocabulary.attributes import Attribute

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest, StagedObject

PUBLIC_KEY_CLASS = 2
"""CKO_PUBLIC_KEY."""


def generate_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, GenerateKeyRequest)
    caller, mechanism = brain.caller(request), message.mechanism
    if message.password is None:
        staged = brain.hsm.generate_key(caller, mechanism, message.template)
    else:
        staged = brain.hsm.key_from_password(caller, mechanism, message.parameters, message.password, message.template)
    return _creation(brain, request, [staged])


def generate_key_pair(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, GenerateKeyPairRequest)
    pair = brain.hsm.generate_key_pair(
        brain.caller(request), message.mechanism, message.public_template, message.private_template
    )
    return _creation(brain, request, pair)


def create_object(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, CreateObjectRequest)
    return _creation(brain, request, [brain.hsm.create_object(brain.caller(request), message.template_ticket)])


def unwrap_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, UnwrapKeyRequest)
    staged = brain.hsm.unwrap_key(
        brain.caller(request),
        message.unwrapping_key,
        message.mechanism,
        message.parameters,
        message.wrapped_key,
        message.template,
    )
    return _creation(brain, request, [staged])


def derive_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, DeriveKeyRequest)
    staged = brain.hsm.derive_key(
        brain.caller(request), message.base_key, message.mechanism, message.parameters, message.template
    )
    return _creation(brain, request, [staged])


def wrap_key(brain: Brain, request: ManagedRequest) -> Proposal:
    """The wrapped key is given out only once its audit entry is in the store."""
    message = read(request.body, WrapKeyRequest)
    body = brain.hsm.wrap_key(
        brain.caller(request), message.wrapping_key, message.mechanism, message.parameters, message.key
    )

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        return Outcome(body, facts_of(request))

    return proposal(request, decide)


def set_attributes(brain: Brain, request: ManagedRequest) -> Proposal:
    """The boundary's checks run when the commit is decided, so that they see the newest attributes."""
    message = read(request.body, SetAttributesRequest)
    hsm, caller, reference = brain.hsm, brain.caller(request), message.reference
    facts = _about(brain, request, reference)
    staged_before = False

    def discard() -> None:
        nonlocal staged_before
        if staged_before:
            hsm.discard([reference])
            staged_before = False

    def decide(draft: Draft) -> Outcome:
        nonlocal staged_before
        discard()
        live_login(draft, request)
        if draft.touches(reference):
            raise Later
        staged = hsm.set_attributes(caller, reference, message.template)
        staged_before = True
        if staged.is_token:
            draft.put_object(reference, staged.version, staged.record)
        return Outcome(
            {"objects": [staged.view]},
            _references(facts, [staged]),
            narrowing=staged.is_token,
            publish=lambda: hsm.publish([reference]),
        )

    return proposal(request, decide, facts=facts, discard=discard)


def destroy_object(brain: Brain, request: ManagedRequest) -> Proposal:
    """CN_TOMBSTONE_OBJECT for a token object, CN_DESTROY_OBJECT for a session object (aws-cloudhsm 7.3)."""
    message = read(request.body, DestroyObjectRequest)
    hsm, caller, reference = brain.hsm, brain.caller(request), message.reference
    facts = _about(brain, request, reference)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        if draft.touches(reference):
            raise Later
        is_token = hsm.check_destroy(caller, reference)
        if not is_token:
            told = replace(facts, opcode=DESTROY_OBJECT) if facts else None
            return Outcome({}, told, publish=lambda: hsm.remove_objects([reference]))
        if not draft.has_object(reference):
            raise Refusal(Rv.OBJECT_HANDLE_INVALID, "there is no such object")
        draft.delete_object(reference)
        return Outcome({}, facts, narrowing=True)

    return proposal(request, decide, facts=facts)


def _creation(brain: Brain, request: ManagedRequest, staged: Sequence[StagedObject]) -> Proposal:
    hsm = brain.hsm
    references = [made.reference for made in staged]
    tokens = [made for made in staged if made.is_token]
    facts = _references(facts_of(request), staged)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        if draft.object_total() + len(tokens) > brain.settings.max_keys and tokens:
            raise Refusal(
                Rv.DEVICE_MEMORY,
                f"the cluster has its limit of {brain.settings.max_keys} token objects: destroy what is not needed",
            )
        for made in tokens:
            draft.put_object(made.reference, made.version, made.record)
        return Outcome({"objects": [made.view for made in staged]}, facts, publish=lambda: hsm.publish(references))

    return proposal(request, decide, discard=_once(lambda: hsm.discard(references)))


def _once(action: Callable[[], None]) -> Callable[[], None]:
    done = False

    def act() -> None:
        nonlocal done
        if not done:
            done = True
            action()

    return act


def _about(brain: Brain, request: ManagedRequest, reference: int) -> AuditFacts | None:
    """A public key stands in a field of its own."""
    facts = facts_of(request)
    if facts is None or not brain.hsm.is_public_key(reference):
        return facts
    return replace(facts, private_reference=0, public_reference=reference)


def _references(facts: AuditFacts | None, staged: Sequence[StagedObject]) -> AuditFacts | None:
    if facts is None:
        return None
    private = public = 0
    for made in staged:
        if made.view["attributes"].get(int(Attribute.CLASS)) == PUBLIC_KEY_CLASS:
            public = made.reference
        else:
            private = made.reference
    return replace(facts, private_reference=private, public_reference=public)
