"""Pages: the delivery layer a person sees. Templates, their tags, and what turns values into words and grids.

`zones` finds a time zone; `picker` lays out the month and its times; both are pure. Times and money are written by
`notifications.display`, the same for pages and mails. Views parse, call one service or query, and render; no rule of
the business lives here.
"""
