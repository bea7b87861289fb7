"""Real processes under real disturbances: what `make soak` measures beside the long forms of other tests."""
