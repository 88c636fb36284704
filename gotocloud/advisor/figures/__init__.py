"""Pictures of measurements: the paper's two plots, and resolution against time and cost."""
