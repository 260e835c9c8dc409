"""Callbacks and webhooks: what is announced to whom, in order, until it has arrived."""
