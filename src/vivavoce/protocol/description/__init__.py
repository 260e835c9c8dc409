"""The wire, described for machines: OpenAPI of the HTTP side and AsyncAPI of the socket.

Both are made from the structs that the server itself reads and writes.
"""
