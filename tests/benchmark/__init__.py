"""The bench itself is tested: a wrong yardstick would be worse than none."""
