"""Objects: generate, import, unwrap, derive, encapsulate, copy, wrap, change, share, destroy, sign with approvals.

The boundary decides what a caller may do with an object and makes it; the brain counts, commits and publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from strongroom._native import HsmError
from strongroom.hsm import approvals, sharing
from strongroom.hsm.approvals import Approved, ForKey
from strongroom.hsm.audit import DESTROY_OBJECT, AuditFacts, facts_of
from strongroom.hsm.brain import Brain, live_login, proposal
from strongroom.hsm.drafts import Draft, Later, Outcome, Proposal
from strongroom.hsm.messages import (
    CopyObjectRequest,
    CreateObjectRequest,
    DecapsulateKeyRequest,
    DeriveKeyRequest,
    DestroyObjectRequest,
    EncapsulateKeyRequest,
    GenerateKeyPairRequest,
    GenerateKeyRequest,
    KeyQuorum,
    SetAttributesRequest,
    ShareKeyRequest,
    SignWithApprovalRequest,
    UnwrapKeyRequest,
    WrapKeyRequest,
    WrapWithApprovalRequest,
    read,
)
from strongroom.hsm.refusals import Refusal, Retry, Rv
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest, StagedObject

PUBLIC_KEY_CLASS = 2
"""CKO_PUBLIC_KEY."""
BUSY = "The HSM could not queue the request for processing."
"""AWS's text (aws-cloudhsm 2.4)."""
PRIVATE_KEY_CLASS = 3
"""CKO_PRIVATE_KEY."""
CERTIFICATE_CLASS = 1
"""CKO_CERTIFICATE."""
DATA_CLASS = 0
"""CKO_DATA."""


def generate_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, GenerateKeyRequest)
    caller, mechanism = brain.caller(request), message.mechanism
    if message.password is None:
        staged = brain.hsm.generate_key(caller, mechanism, message.template)
    else:
        staged = brain.hsm.key_from_password(caller, mechanism, message.parameters, message.password, message.template)
    return _creation(brain, request, [staged], message.shared_users, quorum=message.quorum)


def generate_key_pair(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, GenerateKeyPairRequest)
    pair = brain.hsm.generate_key_pair(
        brain.caller(request), message.mechanism, message.public_template, message.private_template
    )
    return _creation(brain, request, pair, message.shared_users, quorum=message.quorum)


def create_object(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, CreateObjectRequest)
    return _creation(brain, request, [brain.hsm.create_object(brain.caller(request), message.template_ticket)])


def unwrap_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, UnwrapKeyRequest)
    _look_for(brain, request, message.unwrapping_key)
    given = approvals.for_key(brain, message.approval)
    staged = brain.hsm.unwrap_key(
        brain.caller(request, given.signed),
        message.unwrapping_key,
        message.mechanism,
        message.parameters,
        message.wrapped_key,
        message.template,
    )
    used = _Used(message.unwrapping_key, QuorumService.KEY_MANAGEMENT, given)
    return _creation(brain, request, [staged], message.shared_users, quorum=message.quorum, used=used)


def derive_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, DeriveKeyRequest)
    _look_for(brain, request, message.base_key)
    staged = brain.hsm.derive_key(
        brain.caller(request), message.base_key, message.mechanism, message.parameters, message.template
    )
    used = _Used(message.base_key, QuorumService.KEY_USAGE)
    return _creation(brain, request, [staged], used=used)


def encapsulate_key(brain: Brain, request: ManagedRequest) -> Proposal:
    """The ciphertext is given out with the key, once that is in the store."""
    message = read(request.body, EncapsulateKeyRequest)
    _look_for(brain, request, message.public_key)
    staged, ciphertext = brain.hsm.encapsulate_key(
        brain.caller(request), message.public_key, message.mechanism, message.parameters, message.template
    )
    return _creation(
        brain,
        request,
        [staged],
        used=_Used(message.public_key, QuorumService.KEY_USAGE),
        beside={"ciphertext": ciphertext},
    )


def decapsulate_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, DecapsulateKeyRequest)
    _look_for(brain, request, message.private_key)
    staged = brain.hsm.decapsulate_key(
        brain.caller(request),
        message.private_key,
        message.mechanism,
        message.parameters,
        message.ciphertext,
        message.template,
    )
    return _creation(brain, request, [staged], used=_Used(message.private_key, QuorumService.KEY_USAGE))


def copy_object(brain: Brain, request: ManagedRequest) -> Proposal:
    """The boundary's checks run when the commit is decided, since the copy may leave a mark on the original."""
    message = read(request.body, CopyObjectRequest)
    _look_for(brain, request, message.reference)
    hsm, caller, reference = brain.hsm, brain.caller(request), message.reference
    _check_write(brain, is_certificate=hsm.is_certificate(reference))
    made: list[StagedObject] = []

    def discard() -> None:
        hsm.discard([each.reference for each in made])
        made.clear()

    def decide(draft: Draft) -> Outcome:
        discard()
        live_login(draft, request)
        if draft.touches(reference):
            raise Later
        copy, original = hsm.copy_object(caller, reference, message.template_ticket)
        made.extend([copy] if original is None else [copy, original])
        _check_room(brain, draft, [copy])
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
    return _wrapping(brain, request, message, ForKey(), ForKey())


def wrap_with_approval(brain: Brain, request: ManagedRequest) -> Proposal:
    """As :func:`wrap_key`, of keys whose management needs approvals; a repeat gets the first result."""
    message = read(request.body, WrapWithApprovalRequest)
    wrapping = approvals.for_key(brain, message.wrapping_approval)
    return _wrapping(brain, request, message, wrapping, approvals.for_key(brain, message.payload_approval))


def _wrapping(
    brain: Brain, request: ManagedRequest, message: WrapKeyRequest, wrapping: ForKey, payload: ForKey
) -> Proposal:
    _look_for(brain, request, message.wrapping_key, message.key)
    caller = brain.caller(request, wrapping.signed + payload.signed)
    uses = (
        _Used(message.wrapping_key, QuorumService.KEY_MANAGEMENT, wrapping),
        _Used(message.key, QuorumService.KEY_MANAGEMENT, payload),
    )

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
        first, second = (use.judge(brain, draft, request) for use in uses)
        if draft.touches(message.wrapping_key) or draft.touches(message.key):
            raise Later
        if brain.replica.revision != revision:
            # A change in between may forbid it: nothing is given out after that was acknowledged.
            revision, body = wrap()
        approved = first.and_also(second)
        approved.spend(draft)
        return Outcome(body, facts_of(request), further=approved.entries)

    return proposal(request, decide)


def sign_with_approval(brain: Brain, request: ManagedRequest) -> Proposal:
    """A signature by a key whose use needs approvals: given out once they are spent."""
    message = read(request.body, SignWithApprovalRequest)
    if message.approval is None:
        raise Refusal(Rv.ACTION_PROHIBITED, approvals.NEEDED)
    _look_for(brain, request, message.key)
    use = _Used(message.key, QuorumService.KEY_USAGE, approvals.for_key(brain, message.approval))
    caller = brain.caller(request, use.given.signed)
    signature = brain.hsm.sign(caller, message.key, message.mechanism, message.parameters, message.data)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        approved = use.judge(brain, draft, request)
        approved.spend(draft)
        return Outcome({"data": signature}, facts_of(request), further=approved.entries)

    return proposal(request, decide)


def set_attributes(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, SetAttributesRequest)
    given, reference = approvals.for_key(brain, message.approval), message.reference
    caller = brain.caller(request, given.signed)
    _check_write(brain, is_certificate=brain.hsm.is_certificate(reference))

    def stage(_draft: Draft) -> StagedObject:
        return brain.hsm.set_attributes(caller, reference, message.template_ticket)

    return _change(brain, request, reference, stage, _about(brain, request, reference), given)


def share_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, ShareKeyRequest)
    given, reference, username = approvals.for_key(brain, message.approval), message.reference, message.username.lower()
    caller = brain.caller(request, given.signed)

    def stage(draft: Draft) -> StagedObject:
        sharing.check_user(draft, username)
        staged = brain.hsm.share_key(caller, reference, username)
        draft.note_shared(username)
        return staged

    facts = _about_sharing(brain, request, reference, username)
    return _change(brain, request, reference, stage, facts, given, narrowing=False)


def unshare_key(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, ShareKeyRequest)
    given, reference, username = approvals.for_key(brain, message.approval), message.reference, message.username.lower()
    caller = brain.caller(request, given.signed)

    def stage(_draft: Draft) -> StagedObject:
        return brain.hsm.unshare_key(caller, reference, username)

    return _change(brain, request, reference, stage, _about_sharing(brain, request, reference, username), given)


def _change(
    brain: Brain,
    request: ManagedRequest,
    reference: int,
    stage: Callable[[Draft], StagedObject],
    facts: AuditFacts | None,
    given: ForKey,
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
        approved = approvals.judge_key(brain, draft, request, QuorumService.KEY_MANAGEMENT, given, reference)
        staged = stage(draft)
        staged_before.append(staged.reference)
        is_moved = staged.reference != reference
        if is_moved:
            _check_room(brain, draft, [staged])
            draft.note_moved(reference)
        approved.spend(draft)
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
            further=approved.entries,
        )

    return proposal(request, decide, facts=facts, discard=discard)


def destroy_object(brain: Brain, request: ManagedRequest) -> Proposal:
    """CN_TOMBSTONE_OBJECT for a token object, CN_DESTROY_OBJECT for a session object (aws-cloudhsm 7.3)."""
    message = read(request.body, DestroyObjectRequest)
    hsm, caller, reference = brain.hsm, brain.caller(request), message.reference
    facts = _about(brain, request, reference)
    _check_write(brain, is_certificate=hsm.is_certificate(reference))

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
    quorum: KeyQuorum | None = None,
    used: _Used | None = None,
    beside: Mapping[str, Any] | None = None,
) -> Proposal:
    """``shared_users`` may use the last of what was made, a pair's private key, as soon as there is that key; what is
    done with that needs as many approvals as ``quorum`` says.

    ``used`` is the key that it was made with, ``beside`` what the answer has besides the objects.
    """
    hsm = brain.hsm
    references = [each.reference for each in made]
    usernames = sorted({name.lower() for name in shared_users})
    staged = list(made)
    try:
        _check_write(brain, is_certificate=_number(made, CERTIFICATE_CLASS) > 0)
        if usernames:
            sharing.check_number(usernames, brain.settings.max_users)
            staged[-1] = hsm.share_staged(brain.caller(request), references[-1], usernames)
        if quorum is not None:
            staged[-1] = hsm.set_quorum(brain.caller(request), references[-1], quorum.manage, quorum.usage)
    except (HsmError, Refusal):
        hsm.discard(references)
        raise
    tokens = [each for each in staged if each.is_token]
    facts = _references(facts_of(request), staged)
    further = tuple(sharing.entry(request, references[-1], name) for name in usernames)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        approved = used.judge(brain, draft, request) if used is not None else Approved()
        for name in usernames:
            sharing.check_user(draft, name)
        _check_room(brain, draft, staged)
        approved.spend(draft)
        for each in tokens:
            draft.put_object(each.reference, each.version, each.record)
        for name in usernames:
            draft.note_shared(name)
        views = [each.view for each in staged]
        publish = partial(hsm.publish, references)
        body = {"objects": views, **(beside or {})}
        return Outcome(body, facts, publish=publish, further=further + approved.entries)

    return proposal(request, decide, discard=_once(lambda: hsm.discard(references)))


@dataclass(frozen=True, slots=True)
class _Used:
    """A key that a request uses, and what was approved of that."""

    key: int
    service: QuorumService
    given: ForKey = field(default_factory=ForKey)

    def judge(self, brain: Brain, draft: Draft, request: ManagedRequest) -> Approved:
        """When the commit is decided: a key may have been destroyed, or a share of it have ended, since it was used."""
        caller = brain.caller(request, self.given.signed)
        if not brain.hsm.sees(caller, self.key):
            raise Refusal(Rv.KEY_HANDLE_INVALID, f"no object {self.key:#018x} that this user may use")
        brain.hsm.check_quorum(caller, self.key, int(self.service))
        return approvals.judge_key(brain, draft, request, self.service, self.given, self.key)


def _check_room(brain: Brain, draft: Draft, made: Sequence[StagedObject]) -> None:
    """AWS's code of a full store of certificates is CKR_FUNCTION_FAILED (aws-cloudhsm 6.5)."""
    settings = brain.settings
    tokens = [each for each in made if each.is_token]
    if tokens and draft.object_total() + len(tokens) > settings.max_keys:
        raise Refusal(
            Rv.DEVICE_MEMORY,
            f"the cluster has its limit of {settings.max_keys} token objects: destroy what is not needed",
        )
    private_keys, certificates = _number(tokens, PRIVATE_KEY_CLASS), _number(tokens, CERTIFICATE_CLASS)
    there = brain.hsm.private_key_count() + draft.new_private_keys
    if private_keys and there + private_keys > settings.max_asymmetric_keys:
        raise Refusal(
            Rv.DEVICE_MEMORY,
            f"the cluster has its limit of {settings.max_asymmetric_keys} private keys: destroy what is not needed",
        )
    there = brain.hsm.certificate_count() + draft.new_certificates
    if certificates and there + certificates > settings.max_certificates:
        raise Refusal(
            Rv.FUNCTION_FAILED,
            f"MaxObjectsReached: the cluster has its limit of {settings.max_certificates} certificates: destroy what "
            "is not needed",
        )
    _check_room_for_data(brain, draft, made)
    draft.new_certificates += certificates
    draft.new_private_keys += private_keys


def _check_room_for_data(brain: Brain, draft: Draft, made: Sequence[StagedObject]) -> None:
    """Data objects are large: session objects are counted too, those of an HSM (ADR 0116)."""
    limit = brain.settings.max_data_objects
    for are_tokens, whose in ((True, "the cluster has its limit"), (False, "the HSM's sessions have their limit")):
        data_objects = _number([each for each in made if each.is_token is are_tokens], DATA_CLASS)
        there = brain.hsm.data_object_count(are_tokens) + draft.new_data_objects[are_tokens]
        if data_objects and there + data_objects > limit:
            raise Refusal(Rv.DEVICE_MEMORY, f"{whose} of {limit} data objects: destroy what is not needed")
        draft.new_data_objects[are_tokens] += data_objects


def _check_write(brain: Brain, *, is_certificate: bool) -> None:
    """Certificates are written as fast as the operator allows; another HSM may have room."""
    if is_certificate and not brain.certificate_writes.take():
        raise Refusal(
            Rv.FUNCTION_FAILED,
            f"{BUSY} At most {brain.settings.certificate_writes_per_second} certificates are written in a second.",
            retry=Retry.PURE,
        )


def _number(tokens: Sequence[StagedObject], object_class: int) -> int:
    return sum(each.view["attributes"].get(int(Attribute.CLASS)) == object_class for each in tokens)


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
