"""Mail: over SMTP, or into the sandbox's mailbox."""
