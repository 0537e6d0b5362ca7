"""What a coach sold: orders with what came, what went back and what is left, and the file for bookkeeping."""
