"""Where notifications wait on the local disk while Redis cannot keep them."""
