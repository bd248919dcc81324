"""Hugging Face's inference router: what is asked of it, and a stand-in for it on this machine."""
