"""The wire: requests, messages, results, errors and close codes. Values only, no I/O."""
