"""Examples of requests for the OpenAPI document; a test checks each against its model."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "NewDocument": {
        "sender": "H33.01",
        "recipients": ["000.01.01.H33"],
        "codeNumber": "125",
        "codeNotation": "UBND-VP",
        "promulgationDate": "2018-11-01",
        "subject": "V/v triển khai kết nối trục liên thông văn bản",
        "typeName": "Công văn",
        "signer": "Nguyễn Văn A",
        "signerPosition": "Chủ tịch",
        "priority": 1,
    },
    "UploadedDocument": {"document": "0193-id-of-a-whole-upload"},
    "NewStatus": {"code": "03", "description": "Đã vào sổ số 125", "staff": "Trần Thị B"},
    "Withdrawal": {"reason": "Gửi nhầm nơi nhận", "recipients": ["000.01.01.H33"]},
    "Redelivery": {"reason": "Nơi nhận cài lại phần mềm", "recipients": ["000.01.01.H33"]},
    "ReplayRequest": {"after": 1024, "upto": 4096},
    "EnrolmentRequest": {
        "code": "0000-0000-0000-0000-0000-0000-0000",
        "signingRequest": "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n",
        "label": "QLVB",
    },
    "RenewalRequest": {
        "signingRequest": "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n"
    },
}
