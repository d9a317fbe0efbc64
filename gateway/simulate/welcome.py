"""What the demo tells a newcomer once it has played: where the console is, who signs in, five things to do."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from gateway.simulate.aftermath import Found
from gateway.simulate.cast import Cast
from gateway.simulate.stage import Stage


def steps(stage: Stage, found: Found) -> Iterable[str]:
    """Vietnamese, then English, line by line."""
    verify = (
        f"{_near(Path(sys.executable).with_name('gateway-verify'))} FILE --anchors {_near(stage.layout.anchors)}"
    )
    return (
        "",
        "Bản trình diễn đã xong, trục vẫn chạy. / The play is over, the gateway stays up.",
        "Ctrl-C: kết thúc / to end.",
        "",
        f"Trang điều hành / console   {stage.console_url}   (trình duyệt sẽ cảnh báo / a test certificate)",
        f"Mật khẩu / passwords        {_near(stage.layout.people)}",
        "",
        "1  Tìm cơ quan đang lỗi: đăng nhập vanhanh, xem Tổng quan.",
        "   Find the office that fails: sign in as vanhanh, read the overview.",
        "2  Xem vì sao: mở kênh của cơ quan đó, đọc câu trả lời gần nhất.",
        "   See why: open its channel, read what it said last.",
        f"3  Gọi điện cho họ (nhấn Enter tại đây: họ dọn ổ đĩa), rồi gửi lại {found.refused}, văn bản bị từ chối.",
        f"   Telephone them (press Enter here: they make room), then resend {found.refused}, which was refused.",
        f"4  Vào sổ một văn bản như văn thư {found.desk.name}: đăng nhập vanthu.",
        "   Register a document as that commune's clerk: sign in as vanthu.",
        "5  Giao chứng cứ cho thanh tra: đăng nhập kiemtra, mở một văn bản, tải Hồ sơ chứng cứ; kiểm tra bằng",
        "   Hand an inspector evidence: sign in as kiemtra, open a document, save its evidence bundle; verified by",
        f"   {verify}",
        "",
    )


def access(stage: Stage, cast: Cast) -> Iterable[str]:
    """What a developer wants besides."""
    own = next(system for system in stage.systems if system.owner == cast.province.code)
    commune = next(system for system in stage.systems if system.answers_by_form)
    pair, anchors = stage.pki.client(own.name), stage.pki.folder / "anchors" / "tls" / "root.pem"
    curl = f"curl --cacert {_near(anchors)} --cert {_near(pair.certificate)} --key {_near(pair.key)}"
    body = f"-H 'Content-Type: application/xml' --data-binary @{_near(stage.layout.sample)}"
    return (
        "Cho lập trình viên / for developers:",
        f"REST v1     {stage.url}/api/v1   ·   OpenAPI {stage.url}/api/v1/openapi.json",
        f"Vận hành / operations   {stage.operations_url}/readyz  {stage.operations_url}/metrics",
        f"Dấu thời gian / time stamps   {stage.tsa_url}   của chính demo, không độc lập / own, not independent",
        f"Nhân chứng / witnesses   {len(stage.witnesses)}: {_near(stage.layout.witnesses)}",
        f"Một xã / a commune      {commune.owner}, token: {_near(stage.token_file(commune))}",
        f"  {curl} {body} {stage.url}/api/v1/documents",
        f"  {curl} '{stage.url}/api/v1/documents?limit=3'",
        f"  {_near(Path(sys.executable))} -m gateway --config {_near(stage.layout.config)} fsck",
    )


def _near(path: Path) -> Path:
    """As short as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
