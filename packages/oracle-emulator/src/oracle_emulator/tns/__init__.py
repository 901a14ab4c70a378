"""Oracle Net's packets: framing, the connect handshake and markers.

What a DATA packet carries belongs to `ttc`.
"""
