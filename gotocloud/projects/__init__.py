"""What a scientist's commands think: plans, findings, progress, diagnoses. No AWS, no clock."""
