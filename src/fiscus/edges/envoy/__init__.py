"""The door for those who keep their Envoy: it asks before a request goes on, and says afterwards what came back."""
