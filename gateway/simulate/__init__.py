"""A re-enactment of working days: simulators of the axis and of the offices' systems, and the demo.

Each simulator is a process of its own with its own storage (`journal`), its own edXML reader and writer
(`reading`, `writing`: only the test vectors are shared with `gateway.edxml`, so that the two cannot share a
bug) and its own client of the REST interface (`rest`). What is played is data: `script` says who does what
and how every delivery ends; `reckoning` compares the journals with the ledger afterwards.
"""
