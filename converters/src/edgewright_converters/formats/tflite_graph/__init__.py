"""The parts of the TFLite writer."""
