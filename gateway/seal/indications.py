"""What the indications of ETSI TS 119 102-1 mean to people, Vietnamese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.seal.report import Indication

MEANINGS: Final[Mapping[Indication, tuple[str, str]]] = {
    Indication.FORMAT_FAILURE: (
        "Sai cấu trúc, không đọc được đúng quy cách.",
        "It is not written as it has to be.",
    ),
    Indication.HASH_FAILURE: (
        "Nội dung không còn như lúc ký: giá trị băm không khớp.",
        "The content is not what was signed: the digests differ.",
    ),
    Indication.SIG_CRYPTO_FAILURE: (
        "Chữ ký không đúng với khóa của chứng thư.",
        "The signature does not hold under the certificate's key.",
    ),
    Indication.CRYPTO_CONSTRAINTS_FAILURE: (
        "Thuật toán hoặc độ dài khóa không còn được chấp nhận.",
        "The algorithm or the length of the key is not accepted, or no longer.",
    ),
    Indication.SIG_CONSTRAINTS_FAILURE: (
        "Chữ ký không đáp ứng quy định đặt ra.",
        "The signature is not as the rules ask.",
    ),
    Indication.CHAIN_CONSTRAINTS_FAILURE: (
        "Chứng thư, hoặc CA cấp nó, không được dùng vào việc này.",
        "The certificate, or a CA above it, may not be used for this.",
    ),
    Indication.NO_CERTIFICATE_CHAIN_FOUND: (
        "Chứng thư không dẫn tới CA nào được tin cậy.",
        "The certificate leads to no trusted CA.",
    ),
    Indication.NO_SIGNING_CERTIFICATE_FOUND: (
        "Không xác định được chứng thư của người ký.",
        "The signer's certificate cannot be told.",
    ),
    Indication.OUT_OF_BOUNDS_NO_POE: (
        "Chứng thư không còn hạn, hoặc chưa tới hạn, vào thời điểm xét.",
        "The certificate was not valid at the time in question.",
    ),
    Indication.REVOKED_NO_POE: ("Chứng thư đã bị thu hồi.", "The certificate was revoked."),
    Indication.SIGNED_DATA_NOT_FOUND: (
        "Không xem được nội dung mà chữ ký nói tới.",
        "What the signature is about cannot be seen.",
    ),
    Indication.TRY_LATER: (
        "Chưa biết chứng thư có bị thu hồi hay không: chưa có câu trả lời của CA.",
        "Whether the certificate was revoked is not known yet: no answer of its CA is at hand.",
    ),
    Indication.CERTIFICATE_CHAIN_GENERAL_FAILURE: (
        "Không xét được chuỗi chứng thư.",
        "The chain of certificates cannot be examined.",
    ),
    Indication.REVOKED_CA_NO_POE: ("Một CA của chuỗi đã bị thu hồi.", "A CA of the chain was revoked."),
    Indication.NO_POE: (
        "Không có gì chứng minh chữ ký đã có vào thời điểm đó.",
        "Nothing proves that the signature was there by then.",
    ),
    Indication.GENERIC: ("Không kiểm tra được.", "It could not be examined."),
}
