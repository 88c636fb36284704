"""Stands before everything else: lets signed requests of this run's keys pass, and nothing else.

The local AWS runs commands. Any program and any web page on this machine can reach a port on
loopback, so nothing is done for a request that does not carry a secret of the run: AWS's own
signature, or the run's secret for what is not AWS (faults, moto's own interface).
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from local_aws.answers import Application, Environ, StartResponse, answered, refusal, style_of
from local_aws.authentication.keys import ADMINISTRATOR_KEY, Keyring
from local_aws.authentication.signatures import Claim, Received, SignatureError, claim_of, verify
from local_aws.engine.site import INTERNAL_HEADERS, in_environ

NOT_AWS = ("/_local_aws/", "/moto-api")
"""What the run's own secret opens, not a signature."""

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+\.)?localhost|127\.0\.0\.1|\[::1\]")
_FROM_BROWSERS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE")


class RefusedError(Exception):
    """A request that is not let in; code and text are AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Authentication:
    """The local AWS behind its keys.

    Args:
        app: What stands behind it.
        keyring: The keys of this run.
        secret: The run's own secret.
        port: Where this listens; requests for another port are not for it.
    """

    app: Application
    keyring: Keyring
    secret: str
    port: int = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        try:
            self._check(environ)
        except (RefusedError, SignatureError) as error:
            head = environ["REQUEST_METHOD"] == "HEAD"
            answer = refusal(error.code, str(error), style_of(environ), head=head)
            return answered(answer, environ, start_response)
        return self.app(environ, start_response)

    def _check(self, environ: Environ) -> None:
        """Refuse what is not signed by a key of this run.

        Raises:
            RefusedError: if a browser sent it, or it has no key of this run.
            SignatureError: if its signature is wrong.
        """
        self._check_sender(environ)
        if environ["PATH_INFO"].startswith(NOT_AWS):
            self._check_secret(environ)
            return
        claim = claim_of(_received(environ))
        if claim is None:
            raise RefusedError("AccessDenied", "The local AWS takes signed requests only.")
        key = self.keyring.find(claim.access_key)
        if key is None or not key.takes(claim.token):
            raise RefusedError(
                "InvalidClientTokenId", "The security token included in the request is invalid."
            )
        verify(_with_body(environ, claim), claim, key.secret, datetime.now(UTC))
        if claim.access_key != ADMINISTRATOR_KEY:
            # These speak for the local AWS itself.
            for name in INTERNAL_HEADERS:
                environ.pop(in_environ(name), None)

    def _check_sender(self, environ: Environ) -> None:
        """Refuse other names of this machine (DNS rebinding), and every web page."""
        name, _, port = environ.get("HTTP_HOST", "").rpartition(":")
        if not _HOST.fullmatch(name) or port != str(self.port):
            raise RefusedError("AccessDenied", f"This is not {environ.get('HTTP_HOST', '')!r}.")
        if environ["REQUEST_METHOD"] == "OPTIONS" or any(it in environ for it in _FROM_BROWSERS):
            raise RefusedError("AccessDenied", "The local AWS answers no web page.")

    def _check_secret(self, environ: Environ) -> None:
        given = environ.get("HTTP_AUTHORIZATION", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.secret}".encode()):
            raise RefusedError("AccessDenied", "This needs the secret of the local AWS.")


def _received(environ: Environ, body_sha256: str = "") -> Received:
    path, _, query = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return Received(environ["REQUEST_METHOD"], path, query, headers, body_sha256)


def _with_body(environ: Environ, claim: Claim) -> Received:
    """The request with the hash of its body, which can be read once more; S3's is not read."""
    if claim.service == "s3":
        return _received(environ)
    from moto.core.request import Request

    request = Request(environ)
    body = request.get_data(cache=False, parse_form_data=False)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return _received(environ, hashlib.sha256(body).hexdigest())
