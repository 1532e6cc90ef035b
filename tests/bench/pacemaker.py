"""Pacemaker on Corosync."""
from sides import Side
class Pacemaker(Side):
    """Pacemaker."""
    name = service = "pacemaker"
