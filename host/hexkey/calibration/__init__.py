"""From how often a delay line gives each code to the time that each code stands for.

`line` is the mathematics, `tables` the file, `procedure` what is done with a board that is stopped;
`refresh` follows the lines of one that runs, within what `growth` allows, and `refresher` brings it
the densities and takes the entries to the board (docs/calibration.md).
"""
