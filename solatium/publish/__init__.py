"""Tables for dashboards, made from a warehouse and sent to where they ask: `solatium publish`."""

from solatium.publish.publishing import Published, publish

__all__ = ["Published", "publish"]
