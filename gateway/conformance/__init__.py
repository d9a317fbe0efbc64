"""The conformance kit: a sandbox for systems under development, and checks of systems that serve.

`serving` runs a gateway of its own with test offices whose behaviour is ordered, tells a developer step by step
what to do (`steps`) and judges from the ledger and the connection inspector what arrived (`evidence`). Where a
system does not call the gateway's own REST, the two meet at a place (`places`): a folder or SFTP server
(`exchange`), a simulated provincial facade (`facade`), a simulated security server (`xroad`). `driving` turns it
round: it calls a webhook's receiver or a server and judges the answers (`webhook_checks`, `rest_checks`,
`vxp_checks`). Both end in the same report (`report`). Like the simulators the kit writes and signs by itself, so
that it is a second opinion.
"""
