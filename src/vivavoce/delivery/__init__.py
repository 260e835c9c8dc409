"""Callbacks and webhooks: events of sessions, delivered in order and retried until received."""
