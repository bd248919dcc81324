"""AWS: what can be changed there, and a stand-in for it on this machine."""
