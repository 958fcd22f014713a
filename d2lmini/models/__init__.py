"""Models, one file a family; a family composes the shared parts and states only its difference."""
