"""What the deployed stacks and the programs that read them agree on: names and shapes only.

A name that one side writes and the other side reads stands here, once, and nowhere else as text
(`tests/contract/test_one_place.py`). This room imports nothing of ours but errors.
"""
