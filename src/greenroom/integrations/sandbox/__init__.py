"""What the embedded sandboxes share: faults that a person or a test can arm."""
