"""A pack that proves the draw of a window to anyone, without this library."""
