"""The simulator: the optical link, the golden models, the virtual board, the benches."""
