"""The two engines, behind one seam: the only room that knows which of them runs.

`embedded` is Sail in the Python process, `spark` is Apache Spark with Delta. Both give a session
with the DataFrame API of Spark Connect, in UTC; all other code keeps to what both have.
"""

from solatium.engine.engine import Engine
from solatium.engine.start import NAMES, default_name, is_passing_fault, running

__all__ = ["NAMES", "Engine", "default_name", "is_passing_fault", "running"]
