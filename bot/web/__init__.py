"""The HTTP edge: the webhook route, the rule that its answers carry no Content-Type, the server."""
