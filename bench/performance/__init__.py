"""Runs every measurement of ``vivavoce bench`` and writes the page with the results."""
