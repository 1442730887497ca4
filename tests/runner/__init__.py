"""The runner of the contract suite: loads cases, steers one driver and one world per case, owns time, and judges."""
