// Revocation answers and verdicts that came with a bundle (gateway/verifying/answers.py and verdicts.py).

// By the entry's name; null for what is no list.
function listsOf(container) {
  const found = new Map();
  for (const name of container.entries.keys()) {
    if (roleOf(name) !== "revocation" || !name.endsWith(".crl")) continue;
    const list = attempted(() => new RevocationList(container.smallOf(name)));
    if (list) list.isOfBundle = true;
    found.set(name, list);
  }
  return found;
}

function attempted(make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof Unsupported || error instanceof Unreadable) return null;
    throw error;
  }
}

function withAnswers(anchors, lists, ocsps) {
  const read = (answers) => Array.from(answers.values()).filter((each) => each);
  for (const store of [anchors.seal, anchors.tsa]) {
    if (!store) continue;
    store.lists.push(...read(lists));
    store.ocsps.push(...read(ocsps));
  }
}

async function checkAnswers(container, lists, ocsps, anchors, named) {
  const authorities = authoritiesOf(container, anchors), checks = [];
  for (const entry of container.entries.keys()) {
    if (roleOf(entry) !== "revocation") continue;
    const [file, kind] = entry.split("/")[2].split("."), name = `revocation.${file.slice(0, 16)}`;
    if (hexOf(await container.digestOf(entry)) !== file) {
      checks.push(failed(name, "facts_differ", "its name is not the SHA-256 of its bytes"));
    } else if (named.has(file)) checks.push(passed(name, "a verdict rests on it"));
    else if (kind === "crl") checks.push(await whoseList(name, lists.get(entry), authorities));
    else checks.push(await whoseOcsp(name, ocsps.get(entry), authorities));
  }
  return checks;
}

async function whoseList(name, list, authorities) {
  if (!list) return failed(name, "answer_unreadable");
  const issuers = authorities.filter((each) => isSame(each.subject.raw, list.issuer.raw)), told = nameOf(list.issuer);
  if (!issuers.length) return undecided(name, "answer_unrelated", `of ${told}`, false);
  for (const each of issuers) {
    if (!(await isSignedBy(list, each, list.isWeak ? WITH_SHA1 : METHODS))) continue;
    return list.isWeak ? undecided(name, "answer_weak", `of ${told}, signed with SHA-1`, false) : passed(name, `of ${told}`);
  }
  return failed(name, "answer_of_another_ca", `${told} did not sign it`);
}

// Every certificate that may have issued another in this bundle.
function authoritiesOf(container, anchors) {
  const found = [anchors.seal, anchors.tsa].flatMap((store) => (store ? store.anchors.map((each) => each.certificate) : []));
  const certificates = (texts) => texts.map((each) => attempted(() => new Certificate(fromBase64(each)))).filter((each) => each);
  for (const entry of container.entries.keys()) {
    const role = roleOf(entry), isExport = role === "export_seal";
    attempted(() => {
      if (isExport || role === "acceptance_seal" || role === "message_receipt") {
        const { core, added } = split(container.smallOf(entry));
        found.push(...certificates(readSeal(core, isExport).certificates));
        const more = readAdded(added, isExport);
        if (isExport && more && more.certificates) found.push(...certificates(more.certificates));
      } else if (role === "stamp") {
        const reply = readReply(container.smallOf(entry)), token = reply.token ? readToken(reply.token) : null;
        if (token) found.push(...token.chain, ...(token.certificate ? [token.certificate] : []));
      }
    });
  }
  return found;
}

// The findings, and the digests of the answers that the verdicts rest on.
async function checkVerdicts(container, facts, logged) {
  const told = facts.verdicts || [], checks = [], named = new Set();
  for (const [number, verdict] of told.entries()) {
    const name = `verdicts.${number}`, { report, fault } = await reportOf(name, container, verdict);
    if (fault) {
      checks.push(fault);
      continue;
    }
    const answers = Object.keys(report.revocations || {});
    for (const each of answers) named.add(each);
    checks.push(checkVerdict(name, verdict, report, facts, logged));
    const lacking = answers.filter((each) => !["crl", "ocsp"].some((kind) => container.has(`evidence/revocation/${each}.${kind}`)));
    if (lacking.length) checks.push(undecided(`${name}.answers`, "answer_missing", `${lacking.length} of ${answers.length}`, false));
  }
  const known = told.map((each) => each.sha256);
  for (const message of [facts.document.id, ...facts.messages.map((each) => each.id)]) {
    for (const leaf of verdictLeaves(logged, message)) {
      if (!known.includes(leaf.report)) checks.push(failed("verdicts", "verdict_missing", `${leaf.report} about ${message}`));
    }
  }
  return { checks, named };
}

const verdictLeaves = (logged, message) => leavesOf(logged)
  .filter((leaf) => leaf.kind === "document.checked" && leaf.message === message).map((leaf) => leaf.facts).filter(isObject);

async function reportOf(name, container, verdict) {
  const wrong = (reason, detail) => ({ fault: failed(name, reason, detail) });
  if (!container.has(verdict.entry)) return wrong("entry_missing", verdict.entry);
  const raw = container.smallOf(verdict.entry);
  if (hexOf(await digestOf(raw)) !== verdict.sha256) return wrong("facts_differ", `${verdict.entry} is not what bundle.json tells`);
  const read = attempted(() => jsonOf(raw, 0));
  if (!read || !Array.isArray(read.value.signatures) || !read.value.signatures.every(isObject)) return wrong("facts_unreadable", verdict.entry);
  const report = read.value;
  let isSound = report.verdict === verdict.verdict && report.signatures.length === verdict.signatures;
  for (const [digest, text] of Object.entries(report.certificates || {})) {
    const der = typeof text === "string" ? decoded(text) : null;
    isSound = isSound && der !== null && hexOf(await digestOf(der)) === digest;
  }
  if (!isSound) return wrong("facts_differ", `${verdict.entry} contradicts itself or bundle.json`);
  return read.isPlain ? { report } : { fault: undecided(name, "use_gateway_verify", `${verdict.entry} is not written as the gateway writes it`) };
}

function checkVerdict(name, verdict, report, facts, logged) {
  const signer = (each) => (isObject(each.signer) ? each.signer.name : "nobody named");
  const words = `${report.verdict} at ${report.at}, not judged anew: ` +
    report.signatures.map((each) => `${each.where}: ${signer(each)}: ${each.verdict}`).join("; ");
  const leaves = verdictLeaves(logged, verdict.message);
  if (leaves.some((each) => each.report === verdict.sha256)) return passed(name, words);
  if (!verdict.signatures) return undecided(name, "verdict_not_logged", "no signature was found", false);
  if (leaves.length && !facts.pending_leaves) return failed(name, "verdict_changed", "the log holds another verdict about this message");
  return undecided(name, "verdict_not_logged", words, logged.leaves.size > 0 && !facts.pending_leaves);
}

const STATUS_REASONS = {
  valid: "receiver_signed_message", unbound: "receiver_signed_unbound", other: "receiver_signed_by_another",
  not: "receiver_message_signature_wrong",
};

// Signatures on status messages themselves, as the gateway found them (gateway/verifying/statuses.py).
function signedStatuses(container, facts, logged) {
  const statuses = facts.messages.filter((each) => each.kind === "status").map((each) => each.id), found = new Map();
  for (const verdict of facts.verdicts || []) {
    const isLogged = verdictLeaves(logged, verdict.message).some((leaf) => leaf.report === verdict.sha256);
    if (!statuses.includes(verdict.message) || !isLogged || !container.has(verdict.entry)) continue;
    const read = attempted(() => jsonOf(container.smallOf(verdict.entry), 0));
    const signatures = read && Array.isArray(read.value.signatures) ? read.value.signatures : [];
    const signature = signatures.find((each) => isObject(each) && each.kind === "xml");
    if (signature) found.set(verdict.message, signature);
  }
  return Array.from(found, ([message, each]) => {
    const name = isObject(each.signer) && each.signer.name ? each.signer.name : "nobody named";
    const told = `${name}; as the gateway found it, not examined anew by this page: gateway-verify --pdf`;
    return undecided(`receiver.${message}.signature`, STATUS_REASONS[outcomeOf(each)], told, false);
  });
}

function outcomeOf(found) {
  if (found.verdict === "FAILED") return "not";
  if (["other", "ended"].includes(found.belongs)) return "other";
  if (found.verdict !== "PASSED") return "not";
  return found.belongs === "sender" ? "valid" : "unbound";
}
