"""The `gateway` command's subcommands, one module per group; `gateway.cli` puts them together."""
