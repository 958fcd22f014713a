"""Grade a folder of notebooks: a student's code runs apart, and only data comes back."""
