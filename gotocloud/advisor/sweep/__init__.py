"""A sweep: one RELION job, run over and over in different shapes, to measure which is best."""
