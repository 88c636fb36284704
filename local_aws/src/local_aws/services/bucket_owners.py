"""S3 refuses requests that expect another owner of their bucket; moto does not look at it.

Source: Amazon S3 User Guide, "Verifying bucket ownership with bucket owner condition".
"""

from __future__ import annotations

from local_aws.answers import Answer, Environ, refusal

HEADER = "HTTP_X_AMZ_EXPECTED_BUCKET_OWNER"


def refused(environ: Environ) -> Answer | None:
    """The refusal of a request whose bucket belongs to another account than it expects."""
    if not (expected := environ.get(HEADER)):
        return None
    from moto.s3.models import s3_backends

    # The bucket stands in the path, or begins the name of the host.
    in_path = environ.get("PATH_INFO", "").lstrip("/").partition("/")[0]
    in_host = environ.get("HTTP_HOST", "").partition(".s3")[0]
    owners = [s3_backends.bucket_accounts.get(name) for name in (in_path, in_host)]
    owner = next((one[1] for one in owners if one), expected)
    if owner == expected:
        return None
    head = environ["REQUEST_METHOD"] == "HEAD"
    return refusal("AccessDenied", "Access Denied", "s3", head=head)
