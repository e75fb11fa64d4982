"""Speed and memory of the method's parts, each measured in a process of its own."""
