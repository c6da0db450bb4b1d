"""Backends run presses outside the kernel; ``base`` has the protocol, and each backend one module."""
