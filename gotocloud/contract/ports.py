"""TCP ports."""

from __future__ import annotations

DESKTOP_PORT = 8443
"""Of Amazon DCV on a head node."""

NFS_PORT = 2049

LUSTRE_PORTS = ((988, 988), (1018, 1023))
"""First and last port of each range.

Source: AWS, "File system access control with Amazon VPC" (FSx for Lustre User Guide).
"""
