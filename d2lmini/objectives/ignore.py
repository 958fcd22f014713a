"""The target that counts for nothing."""

IGNORE = -100  # what `F.cross_entropy` skips unless told otherwise
