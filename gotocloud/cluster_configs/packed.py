"""A cluster configuration as one word, in which the launched template hands it to the head node.

The head node's program may be of another release than the cluster, and has no configuration of
a platform's own: what was launched is what routes jobs.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

from gotocloud.cluster_configs.model import ClusterConfiguration, load_configuration
from gotocloud.errors import InputError
from gotocloud.formats import parse_json

MAX_BYTES = 1_000_000
"""Of the text; what is larger is no configuration."""


def packed(configuration: ClusterConfiguration) -> str:
    """A configuration as letters, digits, `+`, `/` and `=`."""
    # With its defaults: they may be others in the release that reads it.
    data = configuration.model_dump(mode="json")
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpacked(word: str) -> ClusterConfiguration:
    """The configuration that `packed` made a word of.

    Raises:
        InputError: if it is no such word, or this release cannot use the configuration.
    """
    try:
        loading = zlib.decompressobj()
        text = loading.decompress(base64.b64decode(word, validate=True), MAX_BYTES)
        data: Any = parse_json(text)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise _none_of_ours() from error
    if not isinstance(data, dict):
        raise _none_of_ours()
    return load_configuration(data)


def _none_of_ours() -> InputError:
    return InputError("The description of this cluster's configuration cannot be read.")
