"""Why a time is, or is not, offered: one page for the coach and for the site's staff."""
