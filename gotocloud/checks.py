"""The rules that every template has to keep: CloudFormation's own and four packs of cdk-nag."""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R5Checks,
    PCIDSS321Checks,
)


def attach(app: cdk.App) -> None:
    """Check every stack of the app when it is synthesised; a finding fails the synthesis."""
    cdk.Validations.of(app).add_plugins(
        cdk.CloudFormationValidatePlugin(),
        AwsSolutionsChecks(app),
        NIST80053R5Checks(app),
        HIPAASecurityChecks(app),
        PCIDSS321Checks(app),
    )
