"""What the two programs around ParallelCluster's library have in common; stand-alone.

Executed by the Python of ParallelCluster's virtual environment; see `pcluster_judge.py` and
`pcluster_operator.py`.
"""

# Its imports exist only in the other environment, where mypy does not run.
# mypy: ignore-errors

import logging
import socket
import sys

from pcluster.utils import get_installed_version

_look_up = socket.getaddrinfo


def opened(wanted):
    """Make the library ready; returns the stream that the answers go to.

    Args:
        wanted: The version of ParallelCluster that is meant; another one ends the program.
    """
    installed = get_installed_version()
    if wanted != installed:
        sys.exit(
            f"{sys.executable} has ParallelCluster {installed}, not {wanted}: "
            f"create .venv-pcluster-{wanted} and install aws-parallelcluster=={wanted} into it"
        )
    socket.getaddrinfo = _look_up_locally
    logging.disable(logging.CRITICAL)
    answers = sys.stdout
    # Whatever a library prints must not get between the answers.
    sys.stdout = sys.stderr
    return answers


def _look_up_locally(host, *args, **kwargs):
    """Resolve every name below localhost to this machine, as RFC 6761 requires.

    ParallelCluster insists on addressing a bucket by its host name, and not every
    name service resolves "BUCKET.localhost".
    """
    if isinstance(host, str) and host.endswith(".localhost"):
        host = "localhost"
    return _look_up(host, *args, **kwargs)
