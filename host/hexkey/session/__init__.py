"""The session: two parties, one public channel, one block after another.

Read in this order: `parameters` (what both must agree on), `messages` (what crosses the channel),
`conversation` (transcript and tags), `handshake`, `align`, then `block_bob` and `block_alice`,
which are the two halves of one page; `bob` and `alice` are the loops around them. BB84 begins a
block in its own way (`bb84`, `messages_bb84`); from the correction on a block is one for both
protocols.
"""
