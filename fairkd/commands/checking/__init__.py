"""Every configured value is checked here, a section in each file."""
