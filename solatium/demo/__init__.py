"""The demo: a real lottery as landing logs, and what its replay tells at a glance."""
