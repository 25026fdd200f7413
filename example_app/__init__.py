"""An application that people can sign in to: every part of authkit_asgi, on pages."""
