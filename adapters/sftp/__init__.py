"""Offices that exchange files by their own SFTP server: the folder of `adapters.folder` on another machine.

Over asyncssh (EPL-2.0 or GPL-2.0-or-later, at your choice; pure Python over `cryptography`, which is here anyway):
it is kept by its author since 2013 with several releases a year, speaks every SFTP version in use, and its server
half gives the tests a real peer. Its defaults read a user's files and ask agents; `settings` switches all that off.
"""
