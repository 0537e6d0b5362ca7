"""The weekly hours, single days and closed ranges."""
