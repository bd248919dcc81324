"""What a policy would have done: over the charges, over the decisions that were given, and over history asked as intents."""
