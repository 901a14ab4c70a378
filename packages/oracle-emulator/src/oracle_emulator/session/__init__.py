"""One client's conversation: a state machine that takes packets and returns bytes.

No socket, no thread, no SQL text of its own.
"""
