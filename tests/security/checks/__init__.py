"""What a template must not hold: each check takes a template and returns its findings."""

from tests.security.checks.cluster import open_clusters
from tests.security.checks.network import world_ingress
from tests.security.checks.permissions import broad_writes
from tests.security.checks.roles import open_trusts, unbounded_roles
from tests.security.checks.running_costs import meters
from tests.security.checks.secrets import secret_literals
from tests.security.checks.template import Finding, Template

__all__ = [
    "Finding",
    "Template",
    "broad_writes",
    "meters",
    "open_clusters",
    "open_trusts",
    "secret_literals",
    "unbounded_roles",
    "world_ingress",
]
