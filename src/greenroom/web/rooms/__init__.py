"""What pages for staff and for coaches share about rooms."""
