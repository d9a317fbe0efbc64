// Time stamps over the checkpoint [RFC 3161], each at its own time (gateway/verifying/stamps.py).
const SIGNED_DATA = "1.2.840.113549.1.7.2", TST_INFO = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE = "1.2.840.113549.1.9.3", MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_V1 = "1.2.840.113549.1.9.16.2.12", SIGNING_V2 = "1.2.840.113549.1.9.16.2.47";
const HASHES = {
  "2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
};
const MOST_REPLY_BYTES = 64 * 1024;

function readReply(raw) {
  if (raw.length > MOST_REPLY_BYTES) throw new Unreadable("more than any time stamp");
  const reply = new Parts(Der.whole(raw)), status = new Parts(reply.next()), token = reply.maybe(0x30);
  reply.end();
  return { status: status.next().integer, token: token ? token.raw : null };
}

function readToken(raw) {
  const [kind, content] = Der.whole(raw).is(0x30).children;
  if (kind.oid !== SIGNED_DATA) throw new Unreadable("the token is no SignedData");
  const signed = new Parts(content.is(0xa0).children[0]);
  signed.next().is(0x02);
  const listed = signed.next().is(0x31).children.map((each) => each.is(0x30).children[0].oid);
  const [type, held] = signed.next().is(0x30).children;
  const certificates = signed.maybe(0xa0);
  signed.maybe(0xa1);
  const signers = signed.next().is(0x31).children;
  signed.end();
  if (signers.length !== 1) throw new Unreadable(`the token has ${signers.length} signatures instead of one`);
  const bytes = held.is(0xa0).children[0].is(0x04).content;
  const signer = readSigner(signers[0], (certificates ? certificates.children : []).map((each) => new Certificate(each.raw)));
  if (!listed.includes(signer.digestHash)) throw new Unreadable("the token does not list the hash that its signer uses");
  return { type: type.oid, content: bytes, ...readInfo(bytes), ...signer };
}

function readInfo(bytes) {
  const parts = new Parts(Der.whole(bytes)), version = parts.next().integer;
  void parts.next().oid;
  const [algorithm, digest] = parts.next().is(0x30).children;
  void parts.next().integer;
  const at = parts.next().is(0x18).instant, accuracy = parts.maybe(0x30);
  let millis = 0;
  for (const each of accuracy ? accuracy.children : []) {
    const number = Number(BigInt(`0x${hexOf(each.content) || "0"}`));
    millis += each.tag === 0x02 ? number * 1000 : each.tag === 0x80 ? number : Math.ceil(number / 1000);
  }
  return { version, imprintHash: algorithm.children[0].oid, imprint: digest.is(0x04).content, at, notLaterThan: at + millis };
}

function readSigner(der, certificates) {
  const parts = new Parts(der);
  parts.next().is(0x02);
  const named = parts.next(), digestHash = parts.next().children[0].oid, attributes = parts.next().is(0xa0);
  const method = parts.next().children[0].oid, value = parts.next().is(0x04).content;
  if (named.tag !== 0x30) throw new Unsupported("the signer is not named by issuer and serial number");
  const [issuer, serial] = named.children;
  const is = (each) => isSame(each.issuer.raw, issuer.raw) && each.serial.integer === serial.integer;
  const certificate = certificates.find(is) || null;
  const signedAttributes = attributes.raw.slice();
  signedAttributes[0] = 0x31;
  const valuesOf = (oid) => attributes.children.filter((each) => each.children[0].oid === oid)
    .flatMap((each) => each.children[1].is(0x31).children);
  return {
    certificate, chain: certificates.filter((each) => each !== certificate), digestHash, method, value, signedAttributes,
    contentTypes: valuesOf(CONTENT_TYPE).map((each) => each.oid),
    messageDigests: valuesOf(MESSAGE_DIGEST).map((each) => each.is(0x04).content),
    ids: [
      ...valuesOf(SIGNING_V1).slice(0, 1).map((each) => readId(each, "SHA-1")),
      ...valuesOf(SIGNING_V2).slice(0, 1).map((each) => readId(each, "SHA-256")),
    ],
  };
}

// The first ESSCertID or ESSCertIDv2, which is the signer's [RFC 5035 3].
function readId(value, usual) {
  const parts = new Parts(value.is(0x30).children[0].is(0x30).children[0]);
  const algorithm = usual === "SHA-1" ? null : parts.maybe(0x30);
  const digest = parts.next().is(0x04).content, named = parts.maybe(0x30);
  parts.end();
  const hash = algorithm ? HASHES[algorithm.children[0].oid] : usual;
  if (!named) return { hash, digest };
  const [names, serial] = named.children;
  return { hash, digest, issuer: names.is(0x30).children[0].is(0xa4).children[0].raw, serial: serial.integer };
}

async function tokenFault(token) {
  if (token.version !== 1n) return `the TSTInfo is of version ${token.version}`;
  if (token.type !== TST_INFO || token.contentTypes.length !== 1 || token.contentTypes[0] !== TST_INFO) {
    return "the content, or the attribute about it, is not TSTInfo";
  }
  if (!token.ids.length) return "no signed attribute names the signer's certificate";
  const { certificate } = token, hash = HASHES[token.digestHash];
  if (!certificate) return "";
  if (!hash) return "the digest algorithm is not allowed";
  const digest = await digestOf(token.content, hash);
  if (token.messageDigests.length !== 1 || !isSame(token.messageDigests[0], digest)) {
    return "the signature is over another content";
  }
  const method = token.method === RSA ? ["RSA", hash] : METHODS[token.method];
  if (!method) throw new Unsupported("the token's signature method");
  if (method[0] !== certificate.key.kind) return "the signature method is not one of the key";
  if (!(await holdsDer(certificate.key, method[1], token.value, token.signedAttributes))) {
    return "the signature value does not fit the signed attributes and the certificate";
  }
  for (const each of token.ids) {
    if (!each.hash) return "the certificate is named by a hash that is not allowed";
    if (!isSame(await digestOf(certificate.raw, each.hash), each.digest)) return "the signed attributes name another certificate";
    const other = each.issuer && (!isSame(each.issuer, certificate.issuer.raw) || each.serial !== certificate.serial.integer);
    if (other) return "the signed attributes name another issuer or serial number";
  }
  return "";
}

async function stampOf(container, entry, signed, store) {
  const name = `stamps.${entry.split("/")[2].replace(/\.tsr$/, "")}`;
  let reply;
  try {
    reply = readReply(container.smallOf(entry));
  } catch (error) {
    return [unreadable(name, error), null];
  }
  if (!reply.token) return [failed(name, "stamp_unreadable", "an answer without a token"), null];
  if (!signed) return [undecided(name, "no_checkpoint", "what it should be over is not known"), null];
  const found = await judgedToken(name, reply.token, await digestOf(signed), store);
  const isRefused = reply.status !== 0n && !["no_tsa_anchors", "stamp_of_other_bytes"].includes(found[0].reason);
  return isRefused ? [failed(name, "stamp_untrusted", `the server did not grant the request: ${reply.status}`), null] : found;
}

function unreadable(name, error) {
  if (error instanceof Unreadable) return failed(name, "stamp_unreadable", error.message);
  if (error instanceof Unsupported) return undecided(name, "use_gateway_verify", error.message);
  throw error;
}

// A token over that SHA-256, at its own time: the finding, and the time that it proves.
async function judgedToken(name, raw, imprint, store) {
  try {
    if (raw.length < 2 || raw[0] !== 0x30) return [failed(name, "stamp_unreadable"), null];
    const token = readToken(raw), when = new Date(token.at).toISOString();
    if (!isSame(token.imprint, imprint)) return [failed(name, "stamp_of_other_bytes"), null];
    const trusted = store ? store.trusted(token.at) : [];
    if (!trusted.length) return [undecided(name, "no_tsa_anchors", `no anchor was trusted on ${when}`, false), null];
    const fault = HASHES[token.imprintHash] === "SHA-256" ? await tokenFault(token) : "the stamp is over another digest";
    if (fault) return [failed(name, "stamp_untrusted", fault), null];
    const told = await authorityFault(token, trusted, store);
    if (told) return [undecided(name, "stamp_untrusted", told), null];
    return [passed(name, `${when}, valid at its own time`), token.notLaterThan];
  } catch (error) {
    // it may be BER, which others read
    if (error instanceof Unsupported || error instanceof Unreadable) return [undecided(name, "use_gateway_verify", error.message), null];
    throw error;
  }
}

async function authorityFault(token, trusted, store) {
  const { certificate } = token;
  if (!certificate) return "the token does not hold the certificate that it names as its signer's";
  const purposes = certificate.purposes, extension = certificate.extensions.get(PURPOSES);
  if (!purposes || purposes.length !== 1 || purposes[0] !== TIME_STAMPING || !extension.isCritical) {
    return "the certificate is not one for time stamps";
  }
  if (certificate.usage(0) === false && certificate.usage(1) === false) return "keyUsage lacks digitalSignature and nonRepudiation";
  if (!certificate.isValid(token.at)) return "the authority's certificate was not valid when it stamped";
  const path = await pathOf(certificate, token.chain, trusted, token.at);
  if (!path) return "the authority does not lead to a trusted CA";
  const checks = await revocationsOf(path, store, token.at, "", new Set(), true);
  const worst = checks.find((each) => each.verdict !== PASSED);
  return worst ? worst.detail : "";
}

async function checkStamps(container, signed, anchors) {
  const names = Array.from(container.entries.keys()).filter((name) => roleOf(name) === "stamp");
  return Promise.all(names.map((name) => stampOf(container, name, signed, anchors.tsa)));
}

const timesOf = (found) => found.map(([, time]) => time).filter((time) => time !== null);

function timeProven(found) {
  const times = timesOf(found);
  if (times.length) return passed("time_proven", `not later than ${new Date(Math.min(...times)).toISOString()}`, false);
  return undecided("time_proven", found.length ? "stamp_untrusted" : "no_time_stamp", "", false);
}

// The evidence record over the acceptance [RFC 4998], of the one shape that the gateway writes.
const MOST_LEVELS = 33, MOST_GROUP = 16, MOST_RECORD_BYTES = MOST_REPLY_BYTES + 16 * 1024;

function readRecord(raw) {
  if (raw.length > MOST_RECORD_BYTES) throw new Unreadable(`the evidence record has ${raw.length} bytes`);
  const record = new Parts(Der.whole(raw)), version = record.next().integer;
  const algorithms = record.next().is(0x30).children.map((each) => each.children[0].oid), chains = record.next().is(0x30).children;
  record.end();
  if (version !== 1n || algorithms.length !== 1 || HASHES[algorithms[0]] !== "SHA-256") {
    throw new Unreadable("the evidence record is not of version 1 and SHA-256");
  }
  if (chains.length !== 1 || chains[0].is(0x30).children.length !== 1) throw new Unreadable("the evidence record was renewed: this is not read here");
  const stamp = new Parts(chains[0].children[0]);
  if (stamp.maybe(0xa0) || stamp.maybe(0xa1)) throw new Unsupported("the record has algorithms or attributes of its own");
  const tree = stamp.maybe(0xa2), token = stamp.next().is(0x30).raw;
  stamp.end();
  const levels = (tree ? tree.children : []).map((part) => part.is(0x30).children.map((each) => each.is(0x04).content));
  const isSound = levels.length && levels.length <= MOST_LEVELS &&
    levels.every((part) => part.length && part.length <= MOST_GROUP && part.every((each) => each.length === 32));
  if (!isSound) throw new Unreadable("the evidence record's hash tree is not of SHA-256 digests");
  return { group: levels[0], path: levels.slice(1), token };
}

const inOrder = (hashes) => hashes.slice().sort((left, right) => (hexOf(left) < hexOf(right) ? -1 : 1));
const parentOf = async (hashes) => (hashes.length === 1 ? hashes[0] : digestOf(joined(...inOrder(hashes))));

function recordManifestOf(digests) {
  const typeOf = (name) => FORMAT.types[name.slice(name.lastIndexOf("."))];
  const rows = Array.from(digests, ([name, digest]) =>
    `  <asic:DataObjectReference URI="${name}" MimeType="${typeOf(name)}"><ds:DigestMethod Algorithm="${SHA256}"/>` +
    `<ds:DigestValue>${base64Of(digest)}</ds:DigestValue></asic:DataObjectReference>\n`).join("");
  return bytesOf(`${DECLARATION}\n<asic:ASiCManifest xmlns:asic="${ASIC}" xmlns:ds="${DS}">\n` +
    `  <asic:SigReference URI="${FORMAT.record}"/>\n${rows}</asic:ASiCManifest>\n`);
}

async function checkRecord(container, anchors) {
  const name = "evidence_record", there = [FORMAT.record, FORMAT.record_manifest].filter((each) => container.has(each));
  if (!there.length || !FORMAT.recorded.every((each) => container.has(each))) return [];
  if (there.length === 1) return [[failed(name, "entry_missing", `${there[0]} stands alone`), null]];
  const digests = new Map();
  for (const each of FORMAT.recorded) digests.set(each, await container.digestOf(each));
  let record;
  try {
    record = readRecord(container.smallOf(FORMAT.record));
  } catch (error) {
    const told = unreadable(name, error);
    return [[told.verdict === FAILED ? failed(name, "record_unreadable", told.detail) : told, null]];
  }
  const [sealed, held] = [record.group, Array.from(digests.values())].map((each) => inOrder(each).map(hexOf).join());
  if (sealed !== held) return [[failed(name, "record_of_other_receipts"), null]];
  if (!isSame(container.smallOf(FORMAT.record_manifest), recordManifestOf(digests))) {
    return [[failed(name, "entries_differ", `${FORMAT.record_manifest} is not the list of what it is over`), null]];
  }
  let root = await parentOf(record.group);
  for (const beside of record.path) root = await parentOf([root, ...beside]);
  return [await judgedToken(name, record.token, root, anchors.tsa)];
}
