"""Every measurement of ``vivavoce bench``, and the page that tells them."""
