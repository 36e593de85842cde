"""cocotb benches: each drives a block of the gateware and its golden model with the same stimulus.

One module for each of hexkey_gateware's, of the same name. They run inside the HDL simulator;
`runner` starts it.
"""
