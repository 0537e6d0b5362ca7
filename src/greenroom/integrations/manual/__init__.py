"""Money that no gateway sees, such as bank transfers and cash: people say what arrived, and our own tables keep it."""
