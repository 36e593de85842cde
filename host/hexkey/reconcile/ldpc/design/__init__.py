"""The program that made the codes; nothing else imports it.

``python -m hexkey.reconcile.ldpc.design recipes`` finds the degrees by density evolution and writes
``recipes.json`` (some minutes a code; floating-point numbers, so another machine's may differ in
the last place). ``python -m hexkey.reconcile.ldpc.design codes`` grows the codes from the recipes,
with integers only: it writes the same files, bit for bit, wherever it runs.
"""
