"""The parts of the tracker (`hexkey_gateware.tracker`)."""
