"""``authkit-asgi doctor``: what is right with an application's settings, and what is not."""
