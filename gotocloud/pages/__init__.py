"""Pages of reports: one file each, nothing external, light and dark."""
