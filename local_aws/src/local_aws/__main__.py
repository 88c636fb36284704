"""`python -m local_aws`."""

from local_aws.cli import main

main()
