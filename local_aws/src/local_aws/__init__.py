"""AWS on one machine: deploys CloudFormation stacks, enforces IAM, runs commands on nodes."""
