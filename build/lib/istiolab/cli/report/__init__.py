"""What came of verifying, in the forms that people and programs read."""
