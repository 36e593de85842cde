"""Eavesdroppers: who may stand between the channel and Bob's receiver, and what they learn.

One attack a file, each a `hexkey_sim.link.light.Eavesdropper` with the physics in its docstring;
`specification` makes one from words such as ``intercept-resend:share=0.3``, and `knowledge` counts
what she got to know. docs/eavesdroppers.md compares them.
"""
