"""An empty CDK app: what every `cdk synth` costs, whatever the app holds."""

import aws_cdk as cdk

app = cdk.App()
cdk.Stack(app, "Empty")
app.synth()
