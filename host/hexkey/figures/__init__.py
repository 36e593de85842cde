"""The papers' figures, computed: Figs. 4 and 5 of [T], the review's extrapolation, and more.

Each module has a `draw_figure` that writes one picture and returns a `Figure` with its caption.
`hexkey figures`, of the simulator, which has Fig. 3, puts them together.
"""
