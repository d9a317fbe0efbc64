"""What the console says to people who use it."""

from __future__ import annotations

from typing import Final

from gateway.reasons.entry import permanent as _p
from gateway.reasons.entry import temporary as _t

CONSOLE: Final = (
    _p("sign_in_failed", 401, "Đăng nhập không thành công.", "Signing in failed.",
       "Kiểm tra tên, mật khẩu và mã xác thực; sai nhiều lần thì phải chờ. Quên mật khẩu: hỏi người quản trị.",
       "Check login, password and code; after many wrong tries, wait. Forgotten? Ask your administrator."),
    _t("sign_in_busy", 503, "Quá nhiều lượt đăng nhập cùng lúc.", "Too many people try to sign in at once.",
       "Thử lại sau ít giây. Ai đang đăng nhập không bị ảnh hưởng.",
       "Try again in some seconds. Whoever is signed in is not affected."),
    _p("code_needed", 401, "Mã xác thực sai, đã dùng hoặc còn thiếu.",
       "The one-time code is wrong, was used already, or is missing.",
       "Nhập mã mà ứng dụng đang hiện; mã vừa dùng thì chờ mã kế tiếp. Mất điện thoại: nhờ người quản trị cấp"
       " mật khẩu mới.",
       "Enter the code that your authenticator shows now; wait for the next one if you have just used it. Lost the"
       " telephone? An administrator gives you a new first password."),
    _t("secret_key_lost", 503, "Không mở được khóa giữ mã xác thực và khóa bí mật dùng chung.",
       "The key that one-time codes and shared secrets are kept under cannot be used.",
       "Báo người quản trị gateway; người không dùng mã xác thực vẫn đăng nhập được. Người vận hành: đặt lại tệp"
       " shared-secrets.key từ bản sao lưu (chmod 600); không còn bản nào thì `gateway users reset TÊN` cho từng"
       " người dùng mã, thu hồi các khóa bí mật dùng chung (`gateway agencies revoke`) rồi cấp lại.",
       "Tell whoever runs the gateway; people without one-time codes can sign in. Operators: put shared-secrets.key"
       " back from a backup (chmod 600); if there is none, `gateway users reset LOGIN` for each who has codes,"
       " revoke the shared secrets (`gateway agencies revoke`), then issue them anew."),
    _t("provider_unavailable", 503, "Hệ thống đăng nhập chung không trả lời được.",
       "The provider for signing in does not answer as it should.",
       "Thử lại sau ít phút, hoặc đăng nhập bằng mật khẩu nếu có.",
       "Try again in some minutes, or sign in with a password if you have one."),
    _p("form_outdated", 403, "Biểu mẫu không phải của trang này hoặc đã cũ.",
       "The form does not come from this site, or is out of date.",
       "Mở lại trang rồi gửi lại.", "Open the page again and send the form from there."),
    _p("form_not_kept", 409, "Biểu mẫu này không giữ lại được.", "This form cannot be kept.",
       "Chưa có gì được thực hiện; nội dung đã gõ vẫn còn trong thẻ này. Đăng nhập, gửi hoặc bỏ các biểu mẫu đang"
       " chờ, mở lại trang của biểu mẫu này, xem lại rồi gửi. Biểu mẫu dài hơn 100.000 ký tự thì chia ra. Vẫn không"
       " được: báo người quản trị gateway.",
       "Nothing was done; what you typed is still in this tab. Sign in, send or leave the forms that wait, open the"
       " page of this one again, look at it and send it. Divide one of more than 100,000 characters. If that does"
       " not help, tell whoever runs the gateway."),
    _p("password_weak", 422, "Mật khẩu quá yếu.", "The password is too weak.",
       "Dùng ít nhất 12 ký tự, không chứa tên đăng nhập.", "Use 12 characters or more, without your login."),
    _p("office_missing", 422, "Văn thư phải thuộc ít nhất một cơ quan.", "A clerk needs an office to act for.",
       "Nêu cơ quan bằng --office MÃ, hoặc chọn trên trang quản trị.",
       "Name one with --office CODE, or choose it on the page.", operators=True),
    _p("own_rights", 403, "Không ai tự đổi vai trò hay quyền của chính mình.",
       "Nobody changes the own role or rights.",
       "Nhờ người quản trị khác; không có ai thì dùng `gateway users set` tại máy chủ.",
       "Ask another administrator; where there is none, use `gateway users set` at the server.", operators=True),
    _p("export_running", 409, "Một lần xuất bằng chứng của bạn đang chạy.", "An export of yours is being made.",
       "Chờ nó xong.", "Wait until it is done."),
    _t("reports_waiting", 503, "Quá nhiều báo cáo đang chờ lập.", "Too many reports wait to be made.",
       "Thử lại sau ít phút.", "Try again in some minutes."),
    _t("asked_too_often", 429, "Tài khoản hoặc địa chỉ mạng này mở trang quá dồn dập.",
       "This account, or this network address, asks for too much at once.",
       "Chờ vài giây rồi tải lại trang; nội dung đã gõ vẫn còn. Nếu không phải bạn mở nhiều như vậy: nhờ người quản"
       " trị kết thúc mọi phiên của tài khoản, rồi đổi mật khẩu.",
       "Wait some seconds and load the page again; what you typed is still there. If it is not you who asks for so"
       " much: have an administrator end all sessions of the account, then change its password."),
    _t("page_underway", 429, "Trang trước của bạn chưa lập xong.", "Pages that you asked for are still being made.",
       "Chờ trang đó hiện xong rồi mở trang này.", "Wait until they are shown, then open this one."),
    _t("pages_busy", 503, "Nhiều người đang mở trang nặng cùng lúc.", "Many people open heavy pages at once.",
       "Thử lại sau ít giây.", "Try again in some seconds."),
    _p("conformance_running", 409, "Đang có một lần kiểm tra tương thích.", "A conformance run is going on.",
       "Chờ nó xong hoặc kết thúc nó.", "Wait until it is done, or end it."),
    _p("anchors_unreadable", 422, "Không đọc được các tệp neo tin cậy.",
       "The anchors that were given cannot be read.",
       "Nộp tệp PEM của CA, log.vkey, hoặc ZIP của thư mục neo (seal/, tsa/, log.vkey).",
       "Give the CA's PEM file, log.vkey, or a ZIP of the folder of anchors (seal/, tsa/, log.vkey)."),
    _p("bundle_unexamined", 422, "Không kiểm tra được tệp này.", "This file could not be examined.",
       "Dùng `gateway-verify TỆP` trên một máy khác.", "Use `gateway-verify FILE` on another machine."),
)  # fmt: skip
