"""Runs one Lambda function once; stand-alone, in a process of its own.

Standard input: JSON {"code": folder, "handler", "event", "timeout_s"}.
Standard output: one line of JSON {"result", "error", "response"}; `response` is what the function
has sent to the event's `ResponseURL`, as functions behind custom resources do.
"""

# Run by path, not imported.
# mypy: ignore-errors

import importlib
import io
import json
import sys
import time
import traceback
from types import SimpleNamespace


def _take_response(taken):
    """Keep what is sent to CloudFormation; the address exists on the real AWS only."""
    import http.client

    class Connection:
        def __init__(self, host, *args, **kwargs):
            self.host = host

        def request(self, method, url, body=None, headers=None):
            taken.append(json.loads(body))

        def getresponse(self):
            return SimpleNamespace(status=200, reason="OK", read=lambda: b"")

    http.client.HTTPSConnection = Connection


def main():
    """Run what standard input describes."""
    order = json.load(sys.stdin)
    answers, sys.stdout = sys.stdout, io.StringIO()
    # botocore is imported first: it keeps the real connections.
    import boto3  # noqa: F401

    taken = []
    _take_response(taken)
    sys.path.insert(0, order["code"])
    ends = time.monotonic() + order["timeout_s"]
    context = SimpleNamespace(
        aws_request_id="00000000-0000-0000-0000-000000000000",
        function_name=order["name"],
        invoked_function_arn=order["arn"],
        log_stream_name="local",
        get_remaining_time_in_millis=lambda: int(1000 * (ends - time.monotonic())),
    )
    result, error = None, ""
    try:
        module, _, function = order["handler"].rpartition(".")
        result = getattr(importlib.import_module(module.replace("/", ".")), function)(
            order["event"], context
        )
    except Exception:
        error = traceback.format_exc()
    answer = {"result": result, "error": error, "response": taken[-1] if taken else None}
    answers.write(json.dumps(answer, default=str) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
