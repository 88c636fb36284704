"""Names of a project's bucket, key pair, stacks and cluster.

`{scientist}-{account}-{project}` for any IAM or single-sign-on user name and any project name;
the bucket has a reserved prefix before that.
What S3 or ParallelCluster would refuse is made valid; whenever that loses something, a hash of
the original names keeps the result unique. The originals stand in the tags `gtc:iam-user` and
`gtc:project`, from where they can be read back (`tag_text.from_tag`).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass

from gotocloud.contract.project_bucket import PROJECT_BUCKETS
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, PROJECT_STACK_PREFIX, ProjectParameter
from gotocloud.contract.tag_text import as_tag
from gotocloud.contract.tags import project_tags

MAX_BUCKET_NAME = 63
"""S3's limit."""

MAX_CLUSTER_NAME = 40
"""ParallelCluster's limit when Slurm accounting is on; 60 without."""

_HASH_DIGITS = 10
# A plain name never holds two hyphens in a row, so it can never equal a hashed one.
_HASH_MARK = "--"
_LEAST_OF_PROJECT = 4
"""Characters of the project that stay in a cut name, if it has them."""

_RESERVED_SUFFIX = "-s3alias"
"""S3 keeps bucket names with this end for itself; its others hold two hyphens in a row."""


@dataclass(frozen=True)
class ProjectNames:
    """What everything of one project is called.

    Args:
        scientist: User name in IAM or single sign-on.
        account: Account id of the group.
        project: Project name as the scientist typed it.
    """

    scientist: str
    account: str
    project: str

    @property
    def base(self) -> str:
        """Key pair, and the part of the other names that is the project's own: `a-z0-9-`."""
        return self._fitted(MAX_BUCKET_NAME - len(PROJECT_BUCKETS))

    @property
    def bucket(self) -> str:
        """The bucket; at most 63 characters of `a-z0-9-`."""
        return f"{PROJECT_BUCKETS}{self.base}"

    @property
    def cluster(self) -> str:
        """The cluster; at most 40 characters, the first a letter."""
        return self._fitted(MAX_CLUSTER_NAME)

    @property
    def project_stack(self) -> str:
        """CloudFormation stack of the project."""
        return f"{PROJECT_STACK_PREFIX}{self.base}"

    @property
    def cluster_stack(self) -> str:
        """CloudFormation stack of the cluster."""
        return f"{CLUSTER_STACK_PREFIX}{self.base}"

    @property
    def tags(self) -> dict[str, str]:
        """The paper's tags, which bring the originals back."""
        return project_tags(as_tag(self.scientist), self.account, as_tag(self.project))

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of both stacks that state whose they are."""
        return {
            ProjectParameter.PROJECT: as_tag(self.project),
            ProjectParameter.SCIENTIST: as_tag(self.scientist),
        }

    def _fitted(self, limit: int) -> str:
        scientist, project = _slug(self.scientist), _slug(self.project)
        name = f"{scientist}-{self.account}-{project}"
        nothing_lost = (scientist, project) == (self.scientist, self.project)
        # With the account's digits inside a name, two different pairs could read the same.
        unambiguous = self.account not in scientist and self.account not in project
        plain = len(name) <= limit and name[0].isalpha() and not name.endswith(_RESERVED_SUFFIX)
        if nothing_lost and unambiguous and plain:
            return name
        return self._hashed(scientist, project, limit)

    def _hashed(self, scientist: str, project: str, limit: int) -> str:
        original = json.dumps([self.scientist, self.account, self.project])
        digest = hashlib.sha256(original.encode()).hexdigest()[:_HASH_DIGITS]
        if not scientist[0].isalpha():
            scientist = f"u-{scientist}"
        room = limit - len(_HASH_MARK) - _HASH_DIGITS
        # IAM admits a group's buckets by the account in their names (`project_buckets`).
        account = f"-{self.account}-"
        scientist = scientist[: room - len(account) - _LEAST_OF_PROJECT].rstrip("-")
        name = f"{scientist}{account}{project}"[:room].rstrip("-")
        return f"{name}{_HASH_MARK}{digest}"


def _slug(text: str) -> str:
    """The nearest `a-z0-9-` of a name, without hyphens at the ends or in a row."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-") or "x"
