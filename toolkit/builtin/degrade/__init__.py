"""What befalls images between a page or a scene and the file that is to be read: the twins.

It shares no function with the training augmentations (`builtin/augmentations.py`, `warp.py`): a
model that trained on the very code that makes its exam would be praised for having seen it.
"""
