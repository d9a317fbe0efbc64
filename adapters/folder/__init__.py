"""Offices without a service: they exchange files by a folder, on a disk or share of ours, or by SFTP.

One office has one folder, which `layout` describes. `source` takes up what the office puts there, `adapter` brings
what is for it; both work on `store.FileStore`, which `local` fills for a folder that is mounted here and
`adapters.sftp` for one on another machine. What a document is is decided by `outbox` and `names`; what clerks read
is written in `papers`.
"""
