"""What only AWS can confirm: the assumptions, the order of proving them, the verdicts."""
