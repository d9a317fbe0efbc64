"""Renames that never take the place of what is there.

Linux has one call for it, `renameat2` with RENAME_NOREPLACE. File systems that do not know it (NFS, some shares)
answer so; there a regular file gets the new name as a second one, which fails where it is taken, and loses the old
one. That is right only for a file whose old name is ours alone. Where there are no second names either, it is
looked at first: on such a share a file that is put under the very name in that instant would be replaced. Folders
are safe everywhere, since no rename takes the place of a folder with something in it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from contextlib import suppress

_NOREPLACE = 1
_NOT_KNOWN = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_NO_LINKS = _NOT_KNOWN | {errno.EPERM, errno.EMLINK}
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR})

_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def rename_new(old: str, new: str, source: int, target: int) -> bool:
    """Rename from one open folder to another; False where the new name is taken."""
    try:
        rename_exclusively(old, new, source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NOT_KNOWN:
            raise
        return _without(old, new, source, target)
    return True


def rename_exclusively(old: str, new: str, source: int, target: int) -> None:
    """The system's call; OSError as it says."""
    if _renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if _renameat2(source, os.fsencode(old), target, os.fsencode(new), _NOREPLACE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _without(old: str, new: str, source: int, target: int) -> bool:
    if stat.S_ISREG(os.stat(old, dir_fd=source, follow_symlinks=False).st_mode):
        try:
            os.link(old, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            os.unlink(old, dir_fd=source)
            return True
    with suppress(FileNotFoundError):
        os.stat(new, dir_fd=target, follow_symlinks=False)
        return False
    try:
        os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True
