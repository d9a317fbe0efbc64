"""REST v1: the route table, what it says over HTTP, and the OpenAPI document made from it."""
