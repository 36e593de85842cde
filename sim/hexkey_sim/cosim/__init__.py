"""The whole system in simulation: photons at the RTL's pins, bytes at its serial port, a key."""
