"""More than all buffers between a server and a client hold."""

CHUNK = bytes(256 * 1024)
CHUNKS = 256
SIZE = len(CHUNK) * CHUNKS
