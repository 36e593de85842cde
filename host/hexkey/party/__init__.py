"""The edges: where settings, ports, sockets, stores and files meet the session.

`alice` and `bob` run a role live; `distill` runs both on files.
"""
