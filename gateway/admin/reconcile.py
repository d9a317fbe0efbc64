"""Comparing a day with a peer's own books, when an operator asks for it; what a comparison's findings mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from gateway.admin.acts import Change, Desk, Reply
from gateway.admin.peers import peer_client
from gateway.channels import make_counterpart
from gateway.errors import RefusedError
from gateway.maintenance.reconciler import compare


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What a kind of finding means, and what to do next."""

    vi: str
    en: str
    next_vi: str
    next_en: str


_TELL_VI: Final = "Hiện tại không cần làm gì: ta tự nhắc lại. Hôm sau vẫn còn thì báo đơn vị vận hành bên kia."
_TELL_EN: Final = (
    "Nothing yet: it is told again by itself. If it stands on the next day, tell whoever runs the peer."
)
#: Of `gateway.reconcile`, in the order in which they are shown.
KINDS: Final[Mapping[str, Meaning]] = {
    "missing_there": Meaning(
        vi="Ta đã gửi, bên kia không có.",
        en="We sent it, the peer does not list it.",
        next_vi="Hỏi đơn vị vận hành bên kia; họ xác nhận đã mất thì mở văn bản và gửi lại.",
        next_en="Ask whoever runs the peer; if they confirm that it is lost, open the document and send it again.",
    ),
    "unreadable_there": Meaning(
        vi="Bên kia liệt kê nhưng không đọc được.",
        en="The peer lists it, and it cannot be read.",
        next_vi="Báo đơn vị vận hành bên kia: dòng này có thể chính là văn bản bị coi là thiếu.",
        next_en="Tell whoever runs the peer: what seems to be missing there may be it.",
    ),
    "extra_there": Meaning(
        vi="Bên kia có, sổ ta không có.",
        en="The peer lists it, our ledger does not know it.",
        next_vi="Hỏi bên kia ai đã gửi: có ai gửi bằng mã của ta, hoặc sổ của ta được khôi phục từ bản cũ.",
        next_en="Ask who sent it: somebody sends under our code, or our ledger was restored from an old copy.",
    ),
    "failed_there": Meaning(
        vi="Bên kia không chuyển được.",
        en="The peer could not pass it on.",
        next_vi="Hỏi bên kia vì sao; rồi mở văn bản, gửi lại hoặc chuyển bằng cách khác.",
        next_en="Ask the peer why; then open the document and send it again, or hand it over another way.",
    ),
    "stuck": Meaning(
        vi="Bên kia nhận quá một ngày, chưa có trạng thái.",
        en="Taken more than a day ago, no status.",
        next_vi="Gọi nơi nhận, hỏi đã có văn bản chưa; chưa có thì báo đơn vị vận hành bên kia.",
        next_en="Call the recipient and ask whether it is there; if it is not, tell whoever runs the peer.",
    ),
    "undecided": Meaning(
        vi="Chưa rõ bên kia có hay không, chờ người quyết.",
        en="Nobody knows whether the peer has it; a person decides.",
        next_vi="Hỏi bên kia; rồi mở văn bản, ghi là đã đến nơi hoặc gửi lại.",
        next_en="Ask the peer; then open the document and confirm the arrival, or send it again.",
    ),
    "unaccepted": Meaning(
        vi="Đang chờ, ta chưa nhận được.",
        en="Listed, and not accepted here.",
        next_vi="Xem lý do: gói sai thì nhờ bên gửi gửi lại bản đúng; mã lạ thì sửa danh bạ, ta tự thử lại.",
        next_en="See the reason: its sender sends a broken file again; after an unknown code is entered"
        " in the directory, it is tried again by itself.",
    ),
    "unacknowledged": Meaning(
        vi="Ta đã nhận, chưa báo bên kia.",
        en="Accepted here, the peer was not told.",
        next_vi=_TELL_VI,
        next_en=_TELL_EN,
    ),
    "listed_again": Meaning(
        vi="Đã báo bên kia mà vẫn còn trong danh sách.",
        en="The peer was told and lists it still.",
        next_vi=_TELL_VI,
        next_en=_TELL_EN,
    ),
    "count_differs": Meaning(
        vi="Số đếm khác danh sách.",
        en="The peer's count is not the length of its list.",
        next_vi="Báo đơn vị vận hành bên kia.",
        next_en="Tell whoever runs the peer.",
    ),
    "not_read": Meaning(
        vi="Đang chờ, chưa đọc tới.",
        en="Listed, not yet read here.",
        next_vi="Không phải sai lệch: ta sẽ tự đọc. Còn mãi thì đọc danh sách ngay ở trang kênh.",
        next_en="No fault: it is read by itself. If it stays, have the list read now on the channel's page.",
    ),
}


class ReconcileDay(Change, kw_only=True):
    """One day, one channel."""

    channel: str
    day: date


async def reconcile_day(desk: Desk, request: ReconcileDay, actor: str) -> Reply:
    """The report, which is kept, too."""
    base = desk.foundation
    endpoint = next((each for each in await base.directory.endpoints() if each.name == request.channel), None)
    if endpoint is None:
        raise RefusedError("channel_unknown", request.channel)
    async with peer_client(base, endpoint, make_counterpart) as counterpart:
        key, report = await compare(base, endpoint, counterpart, request.day, actor=actor)
    reply: Reply = {"id": key, "report": msgspec.to_builtins(report)}
    return reply
