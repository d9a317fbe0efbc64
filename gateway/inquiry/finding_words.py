"""What was found wrong of a signature or a seal, in Vietnamese: the sentences of checks that did not pass.

Those who verify write English, for programs and logs, and that stays as it is. Here stands the same for whoever
reads it on a page: each sentence with its holes (`{}`), which take what was put into it; a list in a hole, and a
sentence within it, are told in Vietnamese, too. What a foreign library said is not known here and stays English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from gateway.inquiry.detail_words import DETAILS
from gateway.signatures.model import Kind

Pair = tuple[str, str]

#: What stands where a signature is, or would be.
KINDS: Final[Mapping[Kind, Pair]] = {
    Kind.XML: ("chữ ký XML trên bản tin", "XML signature on the message"),
    Kind.PDF: ("chữ ký trong tệp PDF", "signature in a PDF"),
    Kind.CMS: ("chữ ký rời kèm theo tệp", "signature in a file beside it"),
    Kind.ENCRYPTED: ("tệp mã hóa đầu cuối", "file encrypted end to end"),
    Kind.DECORATIVE: ("khối chữ ký theo quy chuẩn, không có khóa", "block of the standard, without any key"),
}
#: Of `gateway.signatures`.
OF_SIGNATURES: Final[Mapping[str, str]] = {
    "{} with {} is not verified": "không kiểm tra {} với {}",
    "{} with {} no longer proves anything": "{} với {} không còn giá trị chứng minh",
    "the certificate is one of {}, not of the agency that sends": "chứng thư là của {}, không phải của cơ quan gửi",
    "the agency that sends signed with this certificate at another time only": (
        "cơ quan gửi chỉ dùng chứng thư này vào thời gian khác"
    ),
    "the agency that sends signs with another certificate than this one": (
        "cơ quan gửi ký bằng chứng thư khác, không phải chứng thư này"
    ),
    "there are {} signers in one signature": "một chữ ký có tới {} người ký",
    "the digest in the signature is not that of the file": "giá trị băm trong chữ ký không phải của tệp này",
    "the signature value does not hold under the certificate's key": "chữ ký không đúng với khóa của chứng thư",
    "the signature holds a text of its own and is not about the file": (
        "chữ ký mang nội dung riêng, không ký lên tệp này"
    ),
    "it is no SignedData": "đây không phải SignedData",
    "the signature cannot be read: {}": "không đọc được chữ ký: {}",
    "it is encrypted end to end: only its recipients can look at it": (
        "tệp mã hóa đầu cuối: chỉ nơi nhận xem được"
    ),
    "verifying it failed: {}: {}": "kiểm tra bị lỗi: {}: {}",
    "no revocation list or answer at hand says that the path was in order then": (
        "không có danh sách thu hồi hay câu trả lời nào của CA cho biết chuỗi chứng thư còn tốt vào lúc đó"
    ),
    "no certificate authority is trusted for this purpose": "không có CA nào được tin cậy cho việc này",
    "the certificate may not sign this: {}": "chứng thư không được dùng để ký: {}",
    "a certificate of the path was revoked on {}": "một chứng thư trong chuỗi bị thu hồi ngày {}",
    "the certificate, or what came with it, cannot be read: {}": ("không đọc được chứng thư hoặc phần đi kèm: {}"),
    "its extensions cannot be read: {}": "không đọc được phần mở rộng của chứng thư: {}",
    "signatures of the form {} are not verified": "không kiểm tra chữ ký dạng {}",
    "the signed byte range leaves out a part of its own revision": "phần được ký bỏ sót một đoạn của chính bản đó",
    "the file was changed after this signature": "tệp bị thay đổi sau chữ ký này",
    "{}, and nobody signed the change": "{}, và không ai ký thay đổi đó",
    "{}; a later one covers the change": "{}; một chữ ký sau có ký cả thay đổi đó",
    "there are more than {} signatures": "có hơn {} chữ ký",
    "the file is encrypted": "tệp bị mã hóa",
    "an id stands at more than one place: {}": "một mã nối có ở nhiều chỗ: {}",
    "the whole message is not referred to exactly once": "toàn bộ bản tin không được dẫn chiếu đúng một lần",
    "SignedProperties are not signed": "SignedProperties không được ký",
    "the signature stands at {}": "chữ ký đặt ở {}",
    "the root itself": "chính phần tử gốc",
    "a processing instruction": "một chỉ thị xử lý",
    "a reference means something else: {}": "một dẫn chiếu nói tới thứ khác: {}",
    "a reference has {} transforms": "một dẫn chiếu có {} phép biến đổi",
    "the message's reference lacks the enveloped transform": "dẫn chiếu của bản tin thiếu phép biến đổi enveloped",
    "{} is no accepted canonicalisation": "{} không phải cách chuẩn hóa được chấp nhận",
    "{} holds {}": "{} chứa {}",
    "X509Data holds {}, which is not due": "X509Data chứa {}, không đúng quy cách",
    "there are more than {} certificates": "có hơn {} chứng thư",
    "Object holds something else than QualifyingProperties": "Object chứa thứ khác ngoài QualifyingProperties",
    "QualifyingProperties are about another signature": "QualifyingProperties nói về chữ ký khác",
    "there are not exactly one SignedProperties": "không có đúng một SignedProperties",
    "there is more than one header, so a name may mean another one": (
        "có nhiều hơn một phần đầu, nên một tên có thể chỉ phần khác"
    ),
    "{} holds {}, which is not due": "{} chứa {}, không đúng quy cách",
    "{} holds {} of {}": "{} chứa {} phần tử {}",
    "a canonicalisation has parameters that are not its own": "một phép chuẩn hóa có tham số không phải của nó",
    "KeyInfo holds {}, which is not due": "KeyInfo chứa {}, không đúng quy cách",
    "QualifyingProperties hold {}": "QualifyingProperties chứa {}",
    "a reference is canonicalised twice": "một dẫn chiếu bị chuẩn hóa hai lần",
    "{} is not base 64": "{} không phải base 64",
    "time stamp: {}": "dấu thời gian: {}",
    "its authority: {}": "cơ quan cấp dấu thời gian: {}",
    "the time stamp is of a later time than now": "dấu thời gian đề thời điểm tương lai",
    "the time stamp cannot be read: {}": "không đọc được dấu thời gian: {}",
    "keyUsage has neither digitalSignature nor nonRepudiation": (
        "keyUsage không có digitalSignature cũng không có nonRepudiation"
    ),
    "it is a CA certificate": "đó là chứng thư của CA",
    "extendedKeyUsage allows no signing of documents": "extendedKeyUsage không cho ký văn bản",
    "SigningCertificate is missing or cannot be read": "thiếu SigningCertificate hoặc không đọc được",
    "the certificate is named by SHA-1 only": "chứng thư chỉ được nêu bằng SHA-1",
    "the signer named another certificate": "người ký nêu chứng thư khác",
    "IssuerSerialV2 names another certificate": "IssuerSerialV2 nêu chứng thư khác",
    "signed messages above {} MiB are not verified": "không kiểm tra bản tin có chữ ký lớn hơn {} MiB",
    "this block holds no key and no signature value, so nothing about it can be verified": (
        "khối này không có khóa, không có giá trị chữ ký, nên không kiểm tra được gì"
    ),
    "elements stand more than {} deep": "phần tử lồng sâu hơn {} tầng",
    "an element has more than {} attributes": "một phần tử có hơn {} thuộc tính",
    "the message names {} signing certificates": "bản tin nêu {} chứng thư ký",
    "what was signed is not what is read": "nội dung được ký không phải nội dung được đọc",
    "the message holds {}": "bản tin chứa {}",
    "there are {} signatures": "có {} chữ ký",
    "{} (and {} more)": "{} (và {} lỗi nữa)",
}
#: Of seals, time stamps and the institution's signature, `gateway.seal`, where `OF_SIGNATURES` has them not.
OF_SEALS: Final[Mapping[str, str]] = {
    "keyUsage lacks digitalSignature": "keyUsage thiếu digitalSignature",
    "keyUsage lacks nonRepudiation": "keyUsage thiếu nonRepudiation",
    "keyUsage is absent": "không có keyUsage",
    "keyUsage lacks digitalSignature and nonRepudiation": "keyUsage thiếu digitalSignature và nonRepudiation",
    "extendedKeyUsage is absent": "không có extendedKeyUsage",
    "extendedKeyUsage is not timeStamping alone": "extendedKeyUsage không chỉ riêng timeStamping",
    "extendedKeyUsage is not critical": "extendedKeyUsage không được đánh dấu bắt buộc",
    "basicConstraints says that it is no CA": "basicConstraints cho biết đó không phải CA",
    "keyUsage of a CA lacks keyCertSign": "keyUsage của một CA thiếu keyCertSign",
    "keyUsage of the list's issuer lacks cRLSign": "keyUsage của bên cấp danh sách thiếu cRLSign",
    "the seal certificate was not yet valid": "chứng thư của con dấu chưa tới hạn",
    "the seal certificate had expired": "chứng thư của con dấu đã hết hạn",
    "the certificate may not seal: {}": "chứng thư không được dùng để đóng dấu: {}",
    "the certificate does not lead to a trusted CA: {}": "chứng thư không dẫn tới CA được tin cậy: {}",
    "no anchor of the store was trusted at that time": "vào lúc đó không có điểm tin cậy nào còn được tin",
    "the certificate was revoked on {}": "chứng thư bị thu hồi ngày {}",
    "{} was revoked on {}": "{} bị thu hồi ngày {}",
    "the issuer's newest revocation list ended on {}": "danh sách thu hồi mới nhất của CA đã hết hạn ngày {}",
    "the issuer's list covers only a part": "danh sách của CA chỉ bao gồm một phần",
    "the newest OCSP answer ended on {}": "câu trả lời OCSP mới nhất đã hết hạn ngày {}",
    "the CA's responder does not know it": "máy trả lời của CA không biết chứng thư này",
    "it tells of an error": "nó báo lỗi",
    "it is about several certificates": "nó nói về nhiều chứng thư",
    "it is over another checkpoint": "chữ ký là trên mốc khác",
    "it is not written as such signatures are, or names another certificate": (
        "không được viết đúng quy cách, hoặc nêu chứng thư khác"
    ),
    "the signature value does not fit the signed attributes and the certificate": (
        "chữ ký không khớp với các thuộc tính được ký và chứng thư"
    ),
    "the certificate was not valid at the claimed time of signing": (
        "vào thời điểm ký tự khai, chứng thư không còn hạn hoặc chưa tới hạn"
    ),
    "this is no signature of the one shape: {}": "không phải chữ ký đúng quy cách: {}",
    "{} bytes are too many": "{} byte là quá lớn",
    "it holds {} certificates": "nó chứa {} chứng thư",
    "the key is neither RSA of 2048 bits or more nor P-256": "khóa không phải RSA từ 2048 bit hay P-256",
    "the signature value does not fit the certificate": "chữ ký không khớp với chứng thư",
    "the authority's certificate was not valid when it stamped": (
        "khi cấp dấu thời gian, chứng thư của cơ quan cấp không còn hạn hoặc chưa tới hạn"
    ),
    "the stamp is over a digest by {}": "dấu thời gian là trên giá trị băm theo {}",
    "the stamp is over another digest": "dấu thời gian là trên giá trị băm khác",
    "the stamp {}: it answers another request": "dấu thời gian {}: nó trả lời yêu cầu khác",
    "holds no nonce": "không có số nonce",
    "holds another nonce": "có số nonce khác",
    "the stamp was made under the policy {}, asked for was {}": (
        "dấu thời gian được cấp theo chính sách {}, yêu cầu là {}"
    ),
    "the token does not hold the certificate that it names as its signer's": (
        "dấu thời gian không kèm chứng thư mà nó nêu là của bên ký"
    ),
    "{} with {} and this key is not allowed": "{} với {} và khóa này không được chấp nhận",
    "the certificate is not one for time stamps: {}": "chứng thư không dùng để cấp dấu thời gian: {}",
    "the server granted the request and sent no token": "máy chủ chấp nhận yêu cầu mà không gửi dấu thời gian",
    "the server did not grant the request: {} {}": "máy chủ không chấp nhận yêu cầu: {} {}",
    "the TSTInfo is of version {}": "TSTInfo có phiên bản {}",
    "the content is {}, not TSTInfo": "nội dung là {}, không phải TSTInfo",
    "the signed attribute contentType is not that of the content, exactly once": (
        "thuộc tính được ký contentType không đúng với nội dung"
    ),
    "no signed attribute names the signer's certificate": "không thuộc tính được ký nào nêu chứng thư của bên ký",
    "the time in the stamp is after that of the verification": "dấu thời gian đề sau thời điểm kiểm tra",
    "the time in a fresh stamp is long past": "dấu thời gian vừa xin đề thời điểm đã lâu",
    "the signature is over another content": "chữ ký là trên nội dung khác",
    "the certificate is named by {}": "chứng thư được nêu bằng {}",
    "the signed attributes name another certificate": "các thuộc tính được ký nêu chứng thư khác",
    "the signed attributes name another issuer or serial number": (
        "các thuộc tính được ký nêu CA hoặc số hiệu khác"
    ),
    "the receipt holds not exactly one SignedProperties": "biên nhận không có đúng một SignedProperties",
    "the signature method is not allowed, or not with this kind of key": (
        "cách ký không được chấp nhận, hoặc không dùng với loại khóa này"
    ),
    "the signature value does not fit SignedInfo and certificate": "chữ ký không khớp với SignedInfo và chứng thư",
    "the claimed time of sealing is after the time of verification": "thời điểm đóng dấu tự khai sau lúc kiểm tra",
    "the certificate was not valid at the claimed time of sealing": (
        "vào thời điểm đóng dấu tự khai, chứng thư không còn hạn hoặc chưa tới hạn"
    ),
    "the seal names an entry twice": "con dấu nêu một tệp hai lần",
    "sealed, but not there: {}": "được niêm nhưng không có trong gói: {}",
    "there, but not sealed: {}": "có trong gói nhưng không được niêm: {}",
    "identifiers stand twice: {}": "mã nối có hai lần: {}",
    "identifiers do not fit together": "các mã nối không khớp nhau",
    "identifiers do not fit together: {}": "các mã nối không khớp nhau: {}",
    "the document's digest cannot be read": "không đọc được giá trị băm của văn bản",
    "the receipt holds no readable digest of {}": "biên nhận không có giá trị băm đọc được của {}",
    "the {} is not the one that was sealed": "{} không phải thứ đã được đóng dấu",
    "the receipt holds no readable certificate": "biên nhận không có chứng thư đọc được",
    "SigningCertificateV2 cannot be read": "không đọc được SigningCertificateV2",
    "the signed properties name another certificate": "thông tin kèm chữ ký nêu chứng thư khác",
    "IssuerSerialV2 names another issuer or serial number": "IssuerSerialV2 nêu CA hoặc số hiệu khác",
    "signature value or SignedInfo cannot be read": "không đọc được giá trị chữ ký hoặc SignedInfo",
    "a certificate cannot be read: {}": "không đọc được một chứng thư: {}",
    "SigningTime is not an instant in UTC": "SigningTime không phải thời điểm theo UTC",
    "the file is larger than {} bytes": "tệp lớn hơn {} byte",
    "the file does not begin with the XML declaration of a receipt (UTF-8)": (
        "tệp không mở đầu bằng khai báo XML của biên nhận (UTF-8)"
    ),
    "the file holds a DTD, a comment or CDATA": "tệp chứa DTD, chú thích hoặc CDATA",
    "the file holds a processing instruction": "tệp chứa chỉ thị xử lý",
    "the file declares a namespace that is not due": "tệp khai báo không gian tên không đúng quy cách",
    "the file cannot be read as XML: {}": "không đọc được tệp như XML: {}",
    "{} has the attribute {}, which is not due": "{} có thuộc tính {}, không đúng quy cách",
    "{} stands where {} is due": "{} đứng ở chỗ của {}",
    "{} declares a namespace that is not due": "{} khai báo không gian tên không đúng quy cách",
    "{} holds text between its elements": "{} có chữ giữa các phần tử",
    "{} holds text": "{} có chữ",
    "{} lacks {}": "{} thiếu {}",
    "{} lacks the attribute {}": "{} thiếu thuộc tính {}",
    "{} has {} {} where {} is due": "{} có {} {}, đúng ra là {}",
}
#: Longer ones are a library's, or somebody's who wants this to take long.
_LONGEST: Final = 1000


def sentence(text: str, language: str) -> str:
    """Why a check did not pass, or what it rests on; as it is where it is not known."""
    return (_in_vietnamese(text) or text) if language == "vi" else text


def _in_vietnamese(text: str) -> str | None:
    if len(text) > _LONGEST:
        return None
    for pattern, told in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return told.format(*(_hole(each) for each in found.groups()))
    return None


def _hole(text: str) -> str:
    """What was put in: a sentence of its own, several, or a name."""
    return _in_vietnamese(text) or "; ".join(_in_vietnamese(each) or each for each in text.split("; "))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The most telling first: what has no hole, then what has most of its own."""
    all_of_them = {**OF_SIGNATURES, **OF_SEALS, **DETAILS}
    ordered = sorted(all_of_them, key=lambda each: (each.count("{}"), -len(each)))
    return tuple(
        (re.compile("(.*?)".join(map(re.escape, each.split("{}"))), re.DOTALL), all_of_them[each])
        for each in ordered
    )
