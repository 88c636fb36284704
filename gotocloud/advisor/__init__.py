"""Advice from measurements: benchmark records, models of time and cost, ranking, when to stop."""
