// What receivers signed (RFC 9421), or what the gateway says of their connections (gateway/verifying/receivers.py).
const PROOF_PREFIX = "evidence/verdicts/receiver-", RECEIVER_TAG = "gateway-receiver", MOST_BASE = 16 * 1024;
const PROOF_KINDS = ["delivery.delivered", "delivery.proved", "document.accepted"];
const BOUND = "receiver_bound_to_connection", ED25519_OID = "1.3.101.112";
const FOR_KEY = {
  ed25519: { name: "Ed25519" },
  "ecdsa-p256-sha256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "ecdsa-p384-sha384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  "rsa-v1_5-sha256": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "rsa-pss-sha512": { name: "RSA-PSS", hash: "SHA-512", saltLength: 64 },
};

class Wrong extends Error {
  constructor(reason, text) { super(text); this.reason = reason; }
}
const wrong = (text) => new Wrong("receiver_signature_wrong", text);

async function checkReceivers(container, facts, logged, anchors) {
  const checks = [], told = new Map(), files = new Map();
  for (const leaf of leavesOf(logged)) {
    const digest = fieldOf(leaf.facts, "proof"), message = String(leaf.message || ""), delivery = String(leaf.delivery || "");
    if (PROOF_KINDS.includes(leaf.kind) && typeof digest === "string") {
      told.set(digest, { name: `receiver.${delivery || message}`, message, delivery });
    } else if (leaf.kind === "delivery.delivered" && fieldOf(leaf.facts, "certificate") !== undefined) {
      const server = `a server confirmed it that had the certificate SHA-256 ${leaf.facts.certificate}`;
      checks.push(undecided(`receiver.${delivery}`, BOUND, server, false));
    }
  }
  for (const name of container.entries.keys()) {
    if (name.startsWith(PROOF_PREFIX)) files.set(hexOf(await container.digestOf(name)), name);
  }
  for (const [digest, due] of told) {
    if (!files.has(digest)) checks.push(failed(due.name, "receiver_proof_missing", `SHA-256 ${digest}`));
  }
  for (const [digest, name] of files) checks.push(await oneReceiver(container, facts, anchors, name, told.get(digest)));
  return checks;
}

async function oneReceiver(container, facts, anchors, name, leaf) {
  let proof;
  try {
    proof = jsonOf(container.smallOf(name), 0);
    const told = misfit(proof.value, FORMAT.receiver_proof, "", FORMAT.receiver_proof.$defs);
    if (told) throw new Unreadable(told);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return failed(leaf ? leaf.name : name, "receiver_proof_unreadable", error.message);
  }
  const { value } = proof, title = `receiver.${value.act === "acknowledgement" ? value.delivery : value.message}`;
  if (!leaf) {
    if (facts.pending_leaves) return undecided(title, "leaves_pending", "no leaf that is proved tells of it yet", false);
    return failed(title, "receiver_proof_not_in_log", name);
  }
  if (title !== leaf.name || value.message !== leaf.message || (leaf.delivery && value.delivery !== leaf.delivery)) {
    return failed(leaf.name, "facts_differ", `${name} and its leaf are about different acts`);
  }
  if (!proof.isPlain) return undecided(title, "use_gateway_verify", `${name} is not written as the gateway writes it`);
  try {
    return await judgedReceiver(container, facts, anchors, title, value);
  } catch (error) {
    if (error instanceof Wrong) return failed(title, error.reason, error.message);
    if (error instanceof Unsupported) return undecided(title, "use_gateway_verify", error.message);
    if (error instanceof Unreadable) return failed(title, "receiver_signature_wrong", error.message);
    throw error;
  }
}

async function judgedReceiver(container, facts, anchors, title, proof) {
  const line = facts.deliveries.find((each) => each.id === proof.delivery);
  if (proof.act === "acknowledgement" && (!line || line.recipient !== proof.agency)) {
    return failed(title, "facts_differ", "the delivery is another office's");
  }
  const isHere = line && [facts.document.id, ...facts.messages.map((each) => each.id)].includes(proof.message);
  if (isHere && proof.document && proof.document !== hexOf(await container.digestOf(FORMAT.document))) {
    throw new Wrong("receiver_other_document", "it names another document than that of the bundle");
  }
  if (!proof.signature) {
    const { method, certificate, subject, credential } = proof.connection;
    return undecided(title, BOUND, `${method} ${certificate} ${subject} ${credential}`, false);
  }
  const created = await verifySigned(proof.signature, proof, await dueBody(container, facts, proof));
  const own = facts.deliveries.find((each) => each.recipient === proof.agency);
  const code = (own ? own.code : proof.code).toUpperCase(), known = anchors.receivers.get(code);
  const detail = `${code}: key ${proof.signature.keyid}; the receiver's clock said ${new Date(created * 1000).toISOString()}`;
  if (known && known.has(proof.signature.keyid)) return passed(title, detail);
  return known ? undecided(title, "receiver_key_not_given", detail) : undecided(title, "receiver_key_from_gateway", detail, false);
}

// SHA-256 of the body that must have been signed; "" where there is none.
async function dueBody(container, facts, proof) {
  if (proof.act === "acknowledgement") return "";
  if (typeof proof.signature.body !== "string") {
    const name = `messages/${proof.message}.edxml`;
    if (!container.has(name)) throw new Wrong("entry_missing", `there is no entry ${name}`);
    return hexOf(await container.digestOf(name));
  }
  const body = fromBase64(proof.signature.body);
  const codes = facts.statuses.filter((each) => each.message === proof.message).map((each) => each.code);
  let said = "";
  try {
    said = String(fieldOf(jsonOf(body, 0).value, "code") || "");
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  if (codes.length && !codes.includes(said)) throw new Wrong("receiver_other_document", "another status was signed");
  return hexOf(await digestOf(body));
}

function readBase(text) {
  // eslint-disable-next-line no-control-regex
  if (text.length > MOST_BASE || /[^\x00-\x7f]/.test(text)) throw wrong("the signed text is too long, or not ASCII");
  const lines = text.split("\n"), last = lines.pop(), covered = new Map();
  const found = /^"@signature-params": \(((?:"[^"\\]+"(?: |(?=\))))*)\)((?:;[a-z*][a-z0-9_.*-]*=(?:"[^"\\]*"|-?[0-9]{1,15}))*)$/.exec(last);
  if (!found) throw new Unsupported("a signature base that this page does not read");
  const names = Array.from(found[1].matchAll(/"([^"\\]+)"/g), (each) => each[1]);
  for (const each of lines) {
    const pair = /^"([^"\\]{1,200})": (.*)$/.exec(each);
    if (!pair || covered.has(pair[1])) throw wrong("the signed text is no signature base");
    covered.set(pair[1], pair[2]);
  }
  if (names.join("\n") !== Array.from(covered.keys()).join("\n")) throw wrong("the signed text does not hold what it says to cover");
  const parameters = new Map();
  for (const [, name, text_, number] of found[2].matchAll(/;([a-z*][a-z0-9_.*-]*)=(?:"([^"\\]*)"|(-?[0-9]{1,15}))/g)) {
    parameters.set(name, text_ === undefined ? number : text_);
  }
  return { covered, parameters };
}

// When the receiver says that it signed, in seconds.
async function verifySigned(signature, proof, body) {
  const { covered, parameters } = readBase(signature.base), spki = fromBase64(signature.key);
  const id = hexOf(await digestOf(spki)), algorithm = FOR_KEY[signature.algorithm];
  if (parameters.get("tag") !== RECEIVER_TAG || parameters.get("keyid") !== signature.keyid || id !== signature.keyid) {
    throw wrong("the tag, or the key, is another one");
  }
  const created = parameters.get("created") || "";
  if (!algorithm || (parameters.has("alg") && parameters.get("alg") !== signature.algorithm) || !/^[0-9]{1,11}$/.test(created)) {
    throw wrong("alg must be the key's, and created is needed");
  }
  if (!(await isByKey(spki, algorithm, fromBase64(signature.value), bytesOf(signature.base)))) {
    throw wrong("the signature is not one by this key over this text");
  }
  const target = (covered.get("@target-uri") || "").split("://").slice(1).join("://"), slash = target.indexOf("/");
  const path = covered.get("@path") || (slash < 0 ? "" : target.slice(slash).split("?")[0]) || "/";
  const byItem = `/inbox/${proof.delivery}/${proof.act === "acknowledgement" ? "ack" : "status"}`;
  const ends = proof.act === "status" && !proof.delivery ? ["/statuses", "/documents"] : [byItem];
  if (covered.get("@method") !== "POST" || !ends.some((each) => path.endsWith(each))) {
    throw new Wrong("receiver_signed_elsewhere", `the signature is for ${covered.get("@method")} ${path}, not for this act`);
  }
  for (const [name, due] of [["gateway-document-digest", proof.document], ["content-digest", body]]) {
    const told = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(covered.get(name) || "");
    if (due && !told) throw wrong(`${name} must be covered`);
    if (due && hexOf(fromBase64(told[1])) !== due) throw new Wrong("receiver_other_document", `${name} is of other bytes`);
  }
  return Number(created);
}

async function isByKey(spki, algorithm, value, signed) {
  const parts = Der.whole(spki), isEdwards = parts.children[0].children[0].oid === ED25519_OID;
  const kind = isEdwards ? "Ed25519" : keyOf(parts).kind;
  const due = { Ed25519: "Ed25519", ECDSA: "EC", "RSASSA-PKCS1-v1_5": "RSA", "RSA-PSS": "RSA" }[algorithm.name];
  if (kind !== due) throw wrong("the algorithm is not the key's");
  let imported;
  try {
    imported = await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
  } catch (error) {
    if (error.name === "DataError") return false;
    throw new Unsupported(`this browser does not take the key: ${error.name}`);
  }
  return crypto.subtle.verify(algorithm, imported, value, signed);
}

// Files CODE.pem -> code -> ids of the office's keys.
async function receiversOf(files) {
  const found = new Map();
  for (const [name, bytes] of files) {
    if (!name.endsWith(".pem")) continue;
    const text = textOf(bytes);
    const keys = [...pemOf(text, "PUBLIC KEY"), ...pemOf(text, "CERTIFICATE").map((raw) => new Certificate(raw).key.spki)];
    if (!keys.length) throw new Unreadable(`${name} holds no public key and no certificate`);
    const ids = await Promise.all(keys.map(async (each) => hexOf(await digestOf(each))));
    found.set(name.slice(0, -4).toUpperCase(), new Set(ids));
  }
  return found;
}
