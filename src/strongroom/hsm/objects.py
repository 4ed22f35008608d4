"""Objects: generate, import, unwrap, derive, copy, wrap, set attributes, share, destroy.

The boundary decides what a caller may do with an object and makes it; the brain counts, commits and publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from strongroom._native import HsmError
from strongroom.hsm import sharing
from strongroom.hsm.audit import DESTROY_OBJECT, AuditFacts, facts_of
from strongroom.hsm.brain import Brain, live_login, proposal
from strongroom.hsm.drafts import Draft, Later, Outcome, Proposal
from strongroom.hsm.messages import (
    CopyObjectRequest,
    CreateObjectRequest,
    DeriveKeyRequest,
    DestroyObjectRequest,
    GenerateKeyPairRequest,
    GenerateKeyRequest,
    SetAttributesRequest,
    ShareKeyRequest,
    UnwrapKeyRequest,
    WrapKeyRequest,
    read,
)
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest, StagedObject

PUBLIC_KEY_CLASS = 2
"""CKO_PUBLIC_KEY."""
CERTIFICATE_CLASS = 1
"""CKO_CERTIFICATE."""


def generate_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, GenerateKeyRequest)
    caller, mechanism = brain.caller(request), message.mechanism
    if message.password is None:
        staged = brain.hsm.generate_key(caller, mechanism, message.template)
    else:
        staged = brain.hsm.key_from_password(caller, mechanism, message.parameters, message.password, message.template)
    return _creation(brain, request, [staged], message.shared_users)


def generate_key_pair(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, GenerateKeyPairRequest)
    pair = brain.hsm.generate_key_pair(
        brain.caller(request), message.mechanism, message.public_template, message.private_template
    )
    return _creation(brain, request, pair, message.shared_users)


def create_object(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, CreateObjectRequest)
    return _creation(brain, request, [brain.hsm.create_object(brain.caller(request), message.template_ticket)])


def unwrap_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, UnwrapKeyRequest)
    _look_for(brain, request, message.unwrapping_key)
    staged = brain.hsm.unwrap_key(
        brain.caller(request),
        message.unwrapping_key,
        message.mechanism,
        message.parameters,
        message.wrapped_key,
        message.template,
    )
    return _creation(brain, request, [staged], message.shared_users, used=message.unwrapping_key)


def derive_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, DeriveKeyRequest)
    _look_for(brain, request, message.base_key)
    staged = brain.hsm.derive_key(
        brain.caller(request), message.base_key, message.mechanism, message.parameters, message.template
    )
    return _creation(brain, request, [staged], used=message.base_key)


def copy_object(brain: Brain, request: ManagedRequest) -> Proposal:
    """The boundary's checks run when the commit is decided, since the copy may leave a mark on the original."""
    message = read(request.body, CopyObjectRequest)
    _look_for(brain, request, message.reference)
    hsm, caller, reference = brain.hsm, brain.caller(request), message.reference
    made: list[StagedObject] = []

    def discard() -> None:
        hsm.discard([each.reference for each in made])
        made.clear()

    def decide(draft: Draft) -> Outcome:
        discard()
        live_login(draft, request)
        if draft.touches(reference):
            raise Later
        copy, original = hsm.copy_object(caller, reference, message.template)
        made.extend([copy] if original is None else [copy, original])
        _check_room(brain, draft, [each for each in (copy,) if each.is_token])
        for each in made:
            if each.is_token:
                draft.put_object(each.reference, each.version, each.record)
        references = [each.reference for each in made]
        return Outcome(
            {"objects": [copy.view]},
            _references(facts_of(request), [copy]),
            publish=lambda: hsm.publish(references),
        )

    return proposal(request, decide, discard=discard)


def wrap_key(brain: Brain, request: ManagedRequest) -> Proposal:
    """The wrapped key is given out only once its audit entry is in the store."""
    message = read(request.body, WrapKeyRequest)
    _look_for(brain, request, message.wrapping_key, message.key)
    caller = brain.caller(request)

    def wrap() -> tuple[int, dict[str, object]]:
        """The wrapped key, and the state of the cluster whose rules allowed it."""
        revision = brain.replica.revision
        return revision, brain.hsm.wrap_key(
            caller, message.wrapping_key, message.mechanism, message.parameters, message.key
        )

    revision, body = wrap()

    def decide(draft: Draft) -> Outcome:
        nonlocal revision, body
        live_login(draft, request)
        _still_usable(brain, request, message.wrapping_key, message.key)
        if draft.touches(message.wrapping_key) or draft.touches(message.key):
            raise Later
        if brain.replica.revision != revision:
            # A change in between may forbid it: nothing is given out after that was acknowledged.
            revision, body = wrap()
        return Outcome(body, facts_of(request))

    return proposal(request, decide)


def set_attributes(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, SetAttributesRequest)
    caller, reference = brain.caller(request), message.reference

    def stage(_draft: Draft) -> StagedObject:
        return brain.hsm.set_attributes(caller, reference, message.template)

    return _change(brain, request, reference, stage, _about(brain, request, reference))


def share_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, ShareKeyRequest)
    caller, reference, username = brain.caller(request), message.reference, message.username.lower()

    def stage(draft: Draft) -> StagedObject:
        sharing.check_user(draft, username)
        staged = brain.hsm.share_key(caller, reference, username)
        draft.note_shared(username)
        return staged

    facts = _about_sharing(brain, request, reference, username)
    return _change(brain, request, reference, stage, facts, narrowing=False)


def unshare_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, ShareKeyRequest)
    caller, reference, username = brain.caller(request), message.reference, message.username.lower()

    def stage(_draft: Draft) -> StagedObject:
        return brain.hsm.unshare_key(caller, reference, username)

    return _change(brain, request, reference, stage, _about_sharing(brain, request, reference, username))


def _change(
    brain: Brain,
    request: ManagedRequest,
    reference: int,
    stage: Callable[[Draft], StagedObject],
    facts: AuditFacts | None,
    *,
    narrowing: bool = True,
) -> Proposal:
    """The next version of an object. The boundary's checks run when the commit is decided: they see the newest one.

    A session object that becomes a token object has another reference from then on.
    """
    hsm = brain.hsm
    staged_before: list[int] = []

    def discard() -> None:
        hsm.discard(staged_before)
        staged_before.clear()

    def decide(draft: Draft) -> Outcome:
        discard()
        live_login(draft, request)
        if draft.touches(reference):
            raise Later
        staged = stage(draft)
        staged_before.append(staged.reference)
        is_moved = staged.reference != reference
        if is_moved:
            _check_room(brain, draft, [staged])
            draft.note_moved(reference)
        if staged.is_token:
            draft.put_object(staged.reference, staged.version, staged.record)

        def publish() -> None:
            hsm.publish([staged.reference])
            if is_moved:
                hsm.remove_objects([reference])

        return Outcome(
            {"objects": [staged.view]},
            _references(facts, [staged]),
            narrowing=narrowing and staged.is_token and not is_moved,
            publish=publish,
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


def _creation(
    brain: Brain,
    request: ManagedRequest,
    made: Sequence[StagedObject],
    shared_users: Sequence[str] = (),
    *,
    used: int | None = None,
) -> Proposal:
    """``shared_users`` may use the last of what was made, a pair's private key, as soon as there is that key.

    ``used`` is the key that it was made with.
    """
    hsm = brain.hsm
    references = [each.reference for each in made]
    usernames = sorted({name.lower() for name in shared_users})
    staged = list(made)
    if usernames:
        try:
            sharing.check_number(usernames, brain.settings.max_users)
            staged[-1] = hsm.share_staged(brain.caller(request), references[-1], usernames)
        except (HsmError, Refusal):
            hsm.discard(references)
            raise
    tokens = [each for each in staged if each.is_token]
    facts = _references(facts_of(request), staged)
    further = tuple(sharing.entry(request, references[-1], name) for name in usernames)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        if used is not None:
            _still_usable(brain, request, used)
        for name in usernames:
            sharing.check_user(draft, name)
        _check_room(brain, draft, tokens)
        for each in tokens:
            draft.put_object(each.reference, each.version, each.record)
        for name in usernames:
            draft.note_shared(name)
        views = [each.view for each in staged]
        return Outcome({"objects": views}, facts, publish=lambda: hsm.publish(references), further=further)

    return proposal(request, decide, discard=_once(lambda: hsm.discard(references)))


def _check_room(brain: Brain, draft: Draft, tokens: Sequence[StagedObject]) -> None:
    """AWS's code of a full store of certificates is CKR_FUNCTION_FAILED (aws-cloudhsm 6.5)."""
    settings = brain.settings
    if tokens and draft.object_total() + len(tokens) > settings.max_keys:
        raise Refusal(
            Rv.DEVICE_MEMORY,
            f"the cluster has its limit of {settings.max_keys} token objects: destroy what is not needed",
        )
    certificates = sum(each.view["attributes"].get(int(Attribute.CLASS)) == CERTIFICATE_CLASS for each in tokens)
    if not certificates:
        return
    if brain.hsm.certificate_count() + draft.new_certificates + certificates > settings.max_certificates:
        raise Refusal(
            Rv.FUNCTION_FAILED,
            f"MaxObjectsReached: the cluster has its limit of {settings.max_certificates} certificates: destroy what "
            "is not needed",
        )
    draft.new_certificates += certificates


def _once(action: Callable[[], None]) -> Callable[[], None]:
    done = False

    def act() -> None:
        nonlocal done
        if not done:
            done = True
            action()

    return act


def _look_for(brain: Brain, request: ManagedRequest, *references: int) -> None:
    """A key that its user does not see here may have been made, or shared, on another HSM a moment ago."""
    caller = brain.caller(request)
    if not all(brain.hsm.sees(caller, reference) for reference in references):
        brain.replica.catch_up()


def _still_usable(brain: Brain, request: ManagedRequest, *references: int) -> None:
    """A key may have been destroyed, or its share have ended, since the boundary used it."""
    for reference in references:
        if not brain.hsm.sees(brain.caller(request), reference):
            raise Refusal(Rv.KEY_HANDLE_INVALID, f"no object {reference:#018x} that this user may use")


def _about(brain: Brain, request: ManagedRequest, reference: int) -> AuditFacts | None:
    """A public key stands in a field of its own."""
    facts = facts_of(request)
    if facts is None or not brain.hsm.is_public_key(reference):
        return facts
    return replace(facts, private_reference=0, public_reference=reference)


def _about_sharing(brain: Brain, request: ManagedRequest, reference: int, username: str) -> AuditFacts | None:
    """The entry names the key and the user whom it is, or is no longer, shared with."""
    facts = _about(brain, request, reference)
    return replace(facts, username=username[:31], role=Role.CRYPTO_USER) if facts else None


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
