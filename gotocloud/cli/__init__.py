import os

# Plain help is as readable and appears in half the time: typer would load rich for boxes.
os.environ.setdefault("TYPER_USE_RICH", "0")
