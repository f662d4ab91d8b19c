"""Questions asked on the wire, and what the sidecars say about them."""
