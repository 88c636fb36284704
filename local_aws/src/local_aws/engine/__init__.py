"""A CloudFormation that deploys: the local AWS's own engine for stacks."""
