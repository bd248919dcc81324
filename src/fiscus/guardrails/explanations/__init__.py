"""A condition taken apart: which of its terms hold for one intent or one charge, in plain words."""
