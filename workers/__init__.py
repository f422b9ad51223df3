"""What runs behind the web: RQ jobs and the pure steps they call."""
