"""What the product is measured beside: the same work written in the ordinary way."""
