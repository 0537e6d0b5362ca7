"""Discord: what Greenroom needs of it (`protocol`), the REST client (`client`, `oauth`) and an embedded sandbox."""
