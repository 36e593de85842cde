"""From how often a delay line gives each code to the time that each code stands for.

`line` is the mathematics, `tables` the file, `procedure` what is done with a board
(docs/calibration.md).
"""
