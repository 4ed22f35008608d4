"""From a managed request to its handler: role, request id, handler, and every refusal with its audit entry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from strongroom._native import HsmError, IntegrityError
from strongroom.hsm import information, logins, mutual_tls, objects, quorum, second_factor, users
from strongroom.hsm.audit import AuditFacts, RefusalLimit, facts_of
from strongroom.hsm.brain import Brain, Handler, Reply, refused
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.refusals import NO_SUCH_USER, Refusal, Retry, Rv, StoreDiverged
from strongroom.hsm.requests import RequestIds
from strongroom.storage.interface import StoreError
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.roles import CLI_NAMES, Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest

log = structlog.get_logger()

HANDLERS: dict[Operation, Handler] = {
    Operation.LOGIN: logins.login,
    Operation.LOGOUT: logins.logout,
    Operation.ACTIVATE: users.activate,
    Operation.USER_CREATE: users.user_create,
    Operation.USER_DELETE: users.user_delete,
    Operation.USER_LIST: users.user_list,
    Operation.CHANGE_PASSWORD: users.change_password,
    Operation.CHANGE_MFA: users.change_mfa,
    Operation.MFA_TOKEN: second_factor.mfa_token,
    Operation.LOGIN_TOKEN: second_factor.login_token,
    Operation.LOGIN_WITH_TOKEN: logins.login_with_token,
    Operation.QUORUM_TOKEN: quorum.quorum_token,
    Operation.QUORUM_TOKENS: quorum.quorum_tokens,
    Operation.DELETE_QUORUM_TOKENS: quorum.delete_quorum_tokens,
    Operation.QUORUM_VALUES: quorum.quorum_values,
    Operation.SET_QUORUM_VALUE: quorum.set_quorum_value,
    Operation.REGISTER_QUORUM: quorum.register_quorum,
    Operation.QUORUM_TIMEOUTS: quorum.quorum_timeouts,
    Operation.SET_QUORUM_TIMEOUT: quorum.set_quorum_timeout,
    Operation.HSM_INFO: information.hsm_info,
    Operation.MTLS_LIST: mutual_tls.mtls_list,
    Operation.MTLS_REGISTER: mutual_tls.mtls_register,
    Operation.MTLS_DEREGISTER: mutual_tls.mtls_deregister,
    Operation.MTLS_SET_ENFORCEMENT: mutual_tls.mtls_set_enforcement,
    Operation.GENERATE_KEY: objects.generate_key,
    Operation.GENERATE_KEY_PAIR: objects.generate_key_pair,
    Operation.CREATE_OBJECT: objects.create_object,
    Operation.DESTROY_OBJECT: objects.destroy_object,
    Operation.SET_ATTRIBUTES: objects.set_attributes,
    Operation.SHARE_KEY: objects.share_key,
    Operation.UNSHARE_KEY: objects.unshare_key,
    Operation.WRAP_KEY: objects.wrap_key,
    Operation.WRAP_WITH_APPROVAL: objects.wrap_with_approval,
    Operation.SIGN_WITH_APPROVAL: objects.sign_with_approval,
    Operation.UNWRAP_KEY: objects.unwrap_key,
    Operation.DERIVE_KEY: objects.derive_key,
    Operation.ENCAPSULATE_KEY: objects.encapsulate_key,
    Operation.DECAPSULATE_KEY: objects.decapsulate_key,
    Operation.COPY_OBJECT: objects.copy_object,
}
WORKERS = {"login": 2, "slow": 2, "general": 4}
"""Threads per lane. Two for logins: so many passwords are hashed at once."""
_POLL_MILLISECONDS = 500


class Dispatcher:
    """Takes requests from the engine's lanes and sees each to its answer or to the committer."""

    def __init__(
        self,
        brain: Brain,
        requests: RequestIds,
        submit: Callable[[Proposal], None],
        encode: Callable[[int, dict[str, Any]], bytes],
    ) -> None:
        self._brain = brain
        self._requests = requests
        self._submit = submit
        self._encode = encode
        self._limit = RefusalLimit()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"{lane}-{number}", daemon=True)
            for lane, count in WORKERS.items()
            for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the requests in work; the engine gives no more by then."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def dispatch(self, request: ManagedRequest) -> None:
        """See one request to its answer or to the committer. Raises nothing."""
        try:
            made = self._handle(request)
        except Refusal as refusal:
            self._refuse(request, refusal)
        except IntegrityError as error:
            self._refuse(request, Refusal(error.args[0], error.args[1], retry=Retry.PURE))
        except HsmError as error:
            self._refuse(request, Refusal(error.args[0], error.args[1]))
        except (StoreError, StoreDiverged) as error:
            self._refuse(request, Refusal(Rv.DEVICE_ERROR, f"nothing was changed: {error}", retry=Retry.PURE))
        except Exception:
            log.exception("request failed", operation=request.operation, trace_id=request.trace_id)
            self._refuse(
                request, Refusal(Rv.GENERAL_ERROR, "the HSM failed while it worked on the request: see its log")
            )
        else:
            if isinstance(made, Reply):
                body = self._encode(request.operation, made.body)
                self._brain.hsm.respond(request.token, body, self._brain.replica.revision)
            elif made is not None:
                self._submit(made)

    def left_out(self) -> Proposal | None:
        """An entry for refusals that the limit left out, if nothing has told of them since."""
        dropped = self._limit.left_out()
        if not dropped:
            return None
        return _dropped_entry(dropped)

    def _work(self, lane: str) -> None:
        while not self._stopping.is_set():
            try:
                request = self._brain.hsm.next_request(lane, _POLL_MILLISECONDS)
                if request is not None:
                    self.dispatch(request)
                # A request's secrets are wiped with it: now, and not only when the next one comes.
                del request
            except Exception:
                # A lane that loses its workers would leave every later request unanswered.
                log.exception("worker failed", lane=lane)

    def _handle(self, request: ManagedRequest) -> Proposal | Reply | None:
        try:
            operation = Operation(request.operation)
            handler = HANDLERS[operation]
        except (ValueError, KeyError) as error:
            raise Refusal(Rv.FUNCTION_FAILED, f"there is no managed operation {request.operation:#06x}") from error
        _check_role(request, operation)
        if RULES[operation].retry in {"create", "change"}:
            # The committer looks again; here it saves the work of a repeat.
            earlier, _ = self._requests.earlier(request)
            if earlier is not None:
                return _repeat(request)
        return handler(self._brain, request)

    def _refuse(self, request: ManagedRequest, refusal: Refusal) -> None:
        """Answer a refusal, after its audit entry where the operation has one."""
        proposal = refused(request, refusal) if request.operation in set(Operation) else None
        if proposal is None or proposal.facts is None:
            self._answer(request, refusal)
        elif request.role == Role.NONE:
            # Without a login everybody can make entries, so their number is limited.
            dropped = self._limit.admit(logins.address_of(request.peer))
            if dropped is None:
                self._answer(request, refusal)
            else:
                proposal.facts = replace(proposal.facts, dropped=dropped, username=_named(request))
                self._submit(proposal)
        else:
            self._submit(proposal)

    def _answer(self, request: ManagedRequest, refusal: Refusal) -> None:
        self._brain.hsm.respond_error(request.token, refusal.rv, refusal.text, int(refusal.retry))


def _check_role(request: ManagedRequest, operation: Operation) -> None:
    roles = RULES[operation].roles
    if Role.NONE in roles or request.role in roles:
        return
    names = " or ".join(CLI_NAMES[role] for role in sorted(roles))
    if request.role == Role.NONE:
        raise Refusal(Rv.USER_NOT_LOGGED_IN, f"this operation needs a login with the role {names}")
    raise Refusal(
        Rv.USER_TYPE_INVALID,
        f"this operation needs the role {names}; you are logged in as {CLI_NAMES[Role(request.role)]}",
    )


def _repeat(request: ManagedRequest) -> Proposal:
    """The committer finds the earlier result and answers with it."""

    def decide(_draft: Draft) -> Outcome:
        raise Refusal(Rv.FUNCTION_FAILED, "the result of this request has just run out: send it again")

    return Proposal(request=request, facts=facts_of(request), decide=decide, remembered=True)


def _named(request: ManagedRequest) -> str:
    name = request.body.get("username", "")
    return name.lower()[:31] if isinstance(name, str) else ""


def _dropped_entry(dropped: int) -> Proposal:
    facts = AuditFacts("login", ("CN_LOGIN", 0xD), dropped=dropped)
    refusal = Refusal(Rv.PIN_INCORRECT, "left out", audit=NO_SUCH_USER)

    def decide(_draft: Draft) -> Outcome:
        return Outcome({}, facts, refusal=refusal)

    return Proposal(request=None, facts=facts, decide=decide)
