"""Golden models of the gateware: what each block must do, one plain object per block.

A click goes through them in this order (`front_end.FrontEnd` is the chain)::

    delay -> pulse_clock -> collector -> hold_off -> gate -> resolver -> fifo -> framer
                  └► histogram, g2 (every click, gated or not)

The models are event-driven: they are called per click, jump over the pulses in which nothing
happened, and know nothing of clock cycles. `fast.FastFrontEnd` is the same front end on arrays.
They import no Amaranth, so that the virtual board runs without it.
"""
