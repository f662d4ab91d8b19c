"""Questions on the wire, and what the proxies say about them."""
