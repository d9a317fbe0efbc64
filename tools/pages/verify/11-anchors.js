// What the auditor gives beside the bundle, as files; the names are those of gateway-verify's --anchors.
class Store {
  constructor() { this.anchors = []; this.lists = []; this.ocsps = []; }
  trusted(at) { return this.anchors.filter((each) => each.from <= at && at <= each.until).map((each) => each.certificate); }
}

const pemOf = (text, label) => Array.from(
  text.matchAll(new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, "g")),
  (found) => fromBase64(found[1].replace(/\s/g, "")));

// The note beside an anchor, in the part of TOML that notes are written in; anything else makes the anchor useless.
function noteOf(text) {
  const found = { from: -Infinity, until: Infinity };
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line) || /^note\s*=\s*"[^"\\]*"\s*$/.test(line)) continue;
    const told = /^(trusted_from|trusted_until)\s*=\s*(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d))?\s*$/.exec(line);
    if (!told) throw new Unreadable(`this page does not read the line ${line.slice(0, 60)}`);
    const isFrom = told[1] === "trusted_from";
    const at = Date.parse(told[3] ? told[2] + told[3] : `${told[2]}T${isFrom ? "00:00:00.000" : "23:59:59.999"}Z`);
    if (Number.isNaN(at)) throw new Unreadable(`${told[2]} is no date`);
    found[isFrom ? "from" : "until"] = at;
  }
  return found;
}

async function storeOf(files) {
  const store = new Store();
  for (const [name, bytes] of files) {
    if (!name.endsWith(".pem")) continue;
    const text = textOf(bytes);
    if (name.endsWith(".crl.pem")) {
      const lists = pemOf(text, "X509 CRL");
      if (!lists.length) throw new Unreadable(`${name} is not a PEM revocation list`);
      store.lists.push(...lists.map((raw) => new RevocationList(raw)));
      continue;
    }
    const note = files.get(name.replace(/\.pem$/, ".toml")), until = note ? noteOf(textOf(note)) : noteOf("");
    const certificates = pemOf(text, "CERTIFICATE").map((raw) => new Certificate(raw));
    if (!certificates.length) throw new Unreadable(`${name} holds no PEM certificate`);
    for (const certificate of certificates) {
      if (!certificate.constraints.isCa) throw new Unreadable(`${name}: a certificate is not a CA's`);
      store.anchors.push({ certificate, ...until });
    }
  }
  return store;
}

async function keysOf(bytes) {
  const lines = bytes ? textOf(bytes).split("\n").filter((line) => line.trim() && !line.startsWith("#")) : [];
  return Promise.all(lines.map(parseVerifierKey));
}

// `given` has Maps of file names and bytes: seal, tsa, keys, receivers. Null when no anchor of seals is among them.
async function anchorsOf(given) {
  const seal = await storeOf(given.seal);
  if (!seal.anchors.length) return null;
  const witnesses = given.keys.get("witnesses.vkey");
  const quorum = witnesses ? /^# quorum ([1-9][0-9]?)$/m.exec(textOf(witnesses)) : null;
  const tsa = await storeOf(given.tsa), institution = await storeOf(given.institution || new Map());
  return {
    seal, tsa: tsa.anchors.length ? tsa : null, institution: institution.anchors.length ? institution : null, log: await keysOf(given.keys.get("log.vkey")), witnesses: await keysOf(witnesses),
    quorum: quorum ? Number(quorum[1]) : 1, receivers: await receiversOf(given.receivers || new Map()),
  };
}

// Those that the bundle brings along itself, which prove nothing.
async function anchorsOfBundle(container, facts) {
  const seal = new Store();
  let log = [];
  try {
    const isReceived = container.has(FORMAT.acceptance), entry = isReceived ? FORMAT.acceptance : FORMAT.export;
    const found = readSeal(split(container.smallOf(entry)).core, !isReceived).certificates;
    const certificate = new Certificate(fromBase64(found[found.length - 1]));
    seal.anchors.push({ certificate, from: -Infinity, until: Infinity });
    log = facts.log ? [await parseVerifierKey(facts.log.vkey)] : [];
  } catch (error) {
    if (!(error instanceof Unsupported || error instanceof Unreadable)) throw error;
  }
  return { seal, tsa: null, institution: null, log, witnesses: [], quorum: 1, receivers: new Map() };
}
