"""The gate before the local AWS: identifies the caller, calls the evaluator, answers denials."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from moto.core.request import Request

from local_aws.answers import (
    Answer,
    Application,
    Environ,
    StartResponse,
    answered,
    refusal,
    style_of,
)
from local_aws.authentication.keys import Keyring
from local_aws.engine.site import (
    ACCOUNT_HEADER,
    ACTING_HEADER,
    ASSUMING_SERVICE_HEADER,
    CALLER_HEADER,
    in_environ,
)
from local_aws.iam import tokens
from local_aws.iam.callers import Caller, Callers, CredentialsError, role_of_arn
from local_aws.iam.decisions import Decision, DecisionLog
from local_aws.iam.denial import reason, unmapped
from local_aws.iam.evaluator import Evaluator, Verdict
from local_aws.iam.facts import Facts, MotoFacts
from local_aws.iam.mapping import Check
from local_aws.iam.questions import question
from local_aws.iam.requirements import checks_of, listing_of_missing
from local_aws.iam.resources import UnmappedError
from local_aws.iam.wire import (
    Call,
    Signature,
    UnreadableError,
    is_aws,
    read_call,
    signature_of,
)

log = logging.getLogger(__name__)

ACCOUNT = in_environ(ACCOUNT_HEADER)
ACTING = in_environ(ACTING_HEADER)
ASSUMING_SERVICE = in_environ(ASSUMING_SERVICE_HEADER)
CALLER_KEY = in_environ(CALLER_HEADER)


class Mode(StrEnum):
    """Whether denials are answered, or only noted."""

    AUDIT = "audit"
    ENFORCE = "enforce"


class Refused(Exception):  # noqa: N818 (an outcome, not a fault)
    """A request is answered here and goes no further; mostly it is denied."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Guard:
    """Judges every request before the local AWS sees it.

    Args:
        app: The local AWS.
        evaluator: Who decides.
        log: Where decisions are noted.
        default_account: Account of the run's own key.
        keyring: The keys of this run.
        mode: Default: denials are answered.
        facts: What is known about resources. Default: what moto holds.
    """

    def __init__(
        self,
        app: Application,
        evaluator: Evaluator,
        log: DecisionLog,
        *,
        default_account: str,
        keyring: Keyring,
        mode: Mode = Mode.ENFORCE,
        facts: Facts | None = None,
    ) -> None:
        self.callers = Callers(default_account, keyring)
        self._app = app
        self._evaluator = evaluator
        self._log = log
        self._mode = mode
        self._facts: Facts = facts or MotoFacts()
        self._numbers = itertools.count(1)
        self._request = threading.local()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        if not is_aws(environ):
            return self._app(environ, start_response)
        request = Request(environ)
        signature = signature_of(request)
        self._request.number = next(self._numbers)
        self._request.via = "cloudformation" if ACTING in environ else ""
        try:
            onward = self._decided(environ, signature)
        except Refused as refused:
            return answered(refused.answer, environ, start_response)
        except CredentialsError as error:
            answer = refusal(
                error.code, str(error), style_of(environ), head=request.method == "HEAD"
            )
            return answered(answer, environ, start_response)
        except Exception as error:
            # A fault here must not let anything pass.
            log.exception("A request could not be judged")
            text = f"The local AWS cannot judge this request: {type(error).__name__}: {error}"
            answer = refusal("AccessDenied", text, style_of(environ))
            return answered(answer, environ, start_response)
        return onward(environ, start_response)

    def _decided(self, environ: Environ, signature: Signature | None) -> Application:
        """Who serves a request that is allowed.

        Raises:
            Refused: if it is not.
        """
        caller = self._caller(environ, signature)
        if caller.is_administrator and (signature is None or not _is_identity(signature)):
            return self._app
        call = self._read(environ, caller, signature)
        if call is None:
            return self._app
        mfa = call.service == "sts" and tokens.mfa_given(self.callers, caller, call.parameters)
        for_a_service = caller.is_administrator and ASSUMING_SERVICE in environ
        if not caller.is_administrator or (_assumes_existing_role(call) and not for_a_service):
            self._judge(call, caller, mfa=mfa, head=environ["REQUEST_METHOD"] == "HEAD")
        if answer := self._own_answer(call, caller, signature, mfa=mfa):
            raise Refused(answer)
        return partial(self._forwarded, call, caller, mfa)

    def _caller(self, environ: Environ, signature: Signature | None) -> Caller:
        # Only the guard itself may say whose call it is.
        environ.pop(CALLER_KEY, None)
        key = signature.access_key if signature else None
        caller = self.callers.identify(key, environ.get(ACCOUNT, ""))
        if caller.is_administrator and (whose := environ.get(ACTING)):
            # The account that it works in stays the one that its header names.
            environ[CALLER_KEY] = whose
            return self.callers.acting(whose, "AWSCloudFormation")
        if not caller.is_administrator and caller.account:
            environ[CALLER_KEY] = key
            environ[ACCOUNT] = caller.account
            if caller.session and caller.session.long_term_key and key:
                # moto finds the user by its long-term key only.
                signed = environ.get("HTTP_AUTHORIZATION", "")
                environ["HTTP_AUTHORIZATION"] = signed.replace(key, caller.session.long_term_key)
        return caller

    def _read(self, environ: Environ, caller: Caller, signature: Signature | None) -> Call | None:
        """The requested call; None for an administrator's request that cannot be read."""
        try:
            return read_call(environ)
        except UnreadableError as error:
            if caller.is_administrator:
                return None
            request = Request(environ)
            service = signature.service if signature else "s3"
            operation = request.headers.get("X-Amz-Target", request.method).rpartition(".")[2]
            text = unmapped(caller.arn, service, operation, f"it is {error}")
            self._note(caller, service, operation, Check("", "*", ""), text, Verdict(allowed=False))
            if self._mode is Mode.AUDIT:
                return None
            style = style_of(environ)
            head = request.method == "HEAD"
            raise Refused(refusal("AccessDenied", text, style, head=head)) from error

    def _judge(self, call: Call, caller: Caller, *, mfa: bool, head: bool) -> None:
        refuse = self._mode is Mode.ENFORCE
        if text := _without_mfa(call, caller):
            self._note(caller, call.service, call.operation, Check("", "*", ""), text, _IMPLICIT)
            if refuse:
                raise Refused(_denied(call, text, head=head))
        try:
            checks = checks_of(call, caller, self._facts)
        except UnmappedError as error:
            text = unmapped(caller.arn, call.service, call.operation, str(error))
            self._note(caller, call.service, call.operation, Check("", "*", ""), text, _IMPLICIT)
            if refuse:
                raise Refused(_denied(call, text, head=head)) from error
            return
        if self._bucket_is_missing(call):
            return
        for check in (*checks, *listing_of_missing(call, caller, self._facts)):
            began = time.perf_counter()
            verdict = self._verdict(call, caller, check, mfa=mfa)
            took = 1000 * (time.perf_counter() - began)
            text = ""
            if not verdict.allowed:
                who = caller.arn or "anonymous"
                text = reason(who, check.action, check.resource, verdict)
            self._note(caller, call.service, call.operation, check, text, verdict, took)
            if text and refuse:
                raise Refused(_denied(call, text, head=head))

    def _bucket_is_missing(self, call: Call) -> bool:
        """S3 reports a missing bucket before it looks at permissions."""
        bucket = call.parameters.get("Bucket")
        missing = bucket is not None and self._facts.bucket_owner(str(bucket)) is None
        return call.service == "s3" and missing and call.operation != "CreateBucket"

    def _verdict(self, call: Call, caller: Caller, check: Check, *, mfa: bool) -> Verdict:
        if check.action == "sts:AssumeRole" and check.resource_policy is None:
            return Verdict(allowed=False, policy_type="trust")
        verdict = self._evaluator.judge(question(call, caller, check, mfa=mfa))
        if check.only_if_denied and not verdict.explicit and not verdict.error:
            return Verdict(allowed=True)
        return verdict

    def _note(
        self,
        caller: Caller,
        service: str,
        operation: str,
        check: Check,
        text: str,
        verdict: Verdict,
        milliseconds: float = 0.0,
    ) -> None:
        self._log.add(
            Decision(
                time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                caller=caller.arn or "anonymous",
                service=service,
                operation=operation,
                action=check.action,
                resource=check.resource,
                allowed=verdict.allowed,
                enforced=self._mode is Mode.ENFORCE,
                reason=text,
                statements=verdict.statements,
                milliseconds=round(milliseconds, 3),
                request=self._request.number,
                keys=tuple(check.context),
                via=self._request.via,
            )
        )

    def _own_answer(
        self, call: Call, caller: Caller, signature: Signature | None, *, mfa: bool
    ) -> Answer | None:
        """Answers to what moto cannot tell apart: sessions and boundaries of users."""
        given = call.parameters
        if call.operation == "GetSessionToken" and caller.kind == "User":
            if caller.session is not None:
                text = "Cannot call GetSessionToken with session credentials"
                return refusal("AccessDenied", text, "query")
            key = signature.access_key if signature else ""
            return tokens.user_session(self.callers, caller, key, given, mfa=mfa)
        if call.operation in ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"):
            name = (caller.account, str(given["UserName"]))
            self.callers.user_boundaries.pop(name, None)
            if call.operation.startswith("Put"):
                self.callers.user_boundaries[name] = str(given["PermissionsBoundary"])
            return tokens.done(call.operation)
        return None

    def _forwarded(
        self,
        call: Call,
        caller: Caller,
        mfa: bool,
        environ: Environ,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        if call.operation not in ("AssumeRole", "CreateUser", "DeleteUser"):
            return self._app(environ, start_response)
        status: list[str] = []

        def note_status(line: str, headers: Any, *rest: Any) -> Any:
            status.append(line)
            return start_response(line, headers, *rest)

        body = b"".join(self._app(environ, note_status))
        if status and status[0].startswith("200"):
            self._learn(call, caller, body, mfa=mfa)
        return [body]

    def _learn(self, call: Call, caller: Caller, body: bytes, *, mfa: bool) -> None:
        given = call.parameters
        if call.operation == "AssumeRole":
            tokens.remember_role_session(self.callers, caller, given, body, mfa=mfa)
            return
        name = (caller.account, str(given.get("UserName")))
        self.callers.user_boundaries.pop(name, None)
        if boundary := given.get("PermissionsBoundary"):
            # moto drops the boundaries of users.
            self.callers.user_boundaries[name] = str(boundary)


_IMPLICIT = Verdict(allowed=False)


def guarded(app: Application, state_dir: Path, account: str, mode: Mode, keyring: Keyring) -> Guard:
    """Put a guard before a local AWS.

    Args:
        app: The local AWS, as a WSGI application.
        state_dir: Folder for the log of decisions.
        account: Account of keys that belong to no other.
        mode: Whether denials are answered.
        keyring: Takes in the keys of users' sessions.

    Raises:
        EvaluatorMissingError: if the evaluator cannot be started.
    """
    return Guard(
        app,
        Evaluator(),
        DecisionLog(state_dir),
        default_account=account,
        keyring=keyring,
        mode=mode,
    )


def _is_identity(signature: Signature) -> bool:
    return signature.service in ("iam", "sts")


def _assumes_existing_role(call: Call) -> bool:
    arn = str(call.parameters.get("RoleArn", ""))
    return call.operation == "AssumeRole" and role_of_arn(arn) is not None


def _without_mfa(call: Call, caller: Caller) -> str:
    """AWS: a user's session that was got without MFA can call neither IAM nor most of STS."""
    session = caller.session
    if session is None or session.is_role or session.mfa is not None:
        return ""
    in_sts = call.service == "sts" and call.operation not in ("AssumeRole", "GetCallerIdentity")
    if call.service != "iam" and not in_sts:
        return ""
    action = f"{call.service}:{call.operation}"
    return (
        f"User: {caller.arn} is not authorized to perform: {action} because the session was "
        "got without MFA"
    )


def _denied(call: Call, text: str, *, head: bool) -> Answer:
    style = "s3" if call.service == "s3" else call.protocol
    return refusal("AccessDenied", text, style, head=head)
