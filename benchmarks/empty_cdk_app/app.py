"""An empty CDK app: what every `cdk synth` costs, whatever the app holds."""

import sys

import aws_cdk as cdk

# As a new project has it, or without the CDK's own validation, as ours runs by default.
app = cdk.App(builtin_cloud_formation_validation=None if sys.argv[1:] == [] else False)
cdk.Stack(app, "Empty")
app.synth()
