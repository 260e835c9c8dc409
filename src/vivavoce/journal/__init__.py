"""The durable log of live sessions: a port and its adapters."""
