// Findings have the names, verdicts and reason codes of gateway-verify (gateway/verifying/findings.py).
const PASSED = "PASSED", INDETERMINATE = "INDETERMINATE", FAILED = "FAILED";

// Reasons that only this page has: what it cannot do, and gateway-verify can.
const OWN_REASONS = {
  use_gateway_verify: [
    "Trang này không kiểm được mục này. Hãy dùng gateway-verify.",
    "This page cannot check that. Use gateway-verify.",
  ],
  no_ed25519: [
    "Trình duyệt này không kiểm được chữ ký Ed25519. Hãy dùng gateway-verify hoặc trình duyệt mới hơn.",
    "This browser cannot check Ed25519 signatures. Use gateway-verify, or a newer browser.",
  ],
};

const passed = (name, detail = "", counts = true) => ({ name, verdict: PASSED, reason: "", detail, counts });
const failed = (name, reason, detail = "") => ({ name, verdict: FAILED, reason, detail, counts: true });
const undecided = (name, reason, detail = "", counts = true) =>
  ({ name, verdict: INDETERMINATE, reason, detail, counts });

function worstOf(checks) {
  const found = new Set(checks.filter((check) => check.counts).map((check) => check.verdict));
  if (found.has(FAILED)) return FAILED;
  return found.has(INDETERMINATE) || found.size === 0 ? INDETERMINATE : PASSED;
}

// What foreign bytes hold is not what it should be.
class Unreadable extends Error {}
// It may be in order, but this page does not understand it.
class Unsupported extends Error {}
