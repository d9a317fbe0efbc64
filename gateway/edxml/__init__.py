"""edXML as peers really send it: streaming parser of any dialect, builder per peer profile, code lists."""
