"""IAM that decides: every request to the local AWS judged by an independent evaluator."""
