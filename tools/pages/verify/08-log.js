// Checkpoint, witnesses, leaves and their proofs: C2SP signed-note, tlog-checkpoint, tlog-proof; RFC 6962.
const ED25519 = 1, COSIGNATURE = 4, MOST_SIZE = (1n << 63n) - 1n, MOST_PROOF = 64, MOST_SIGNATURES = 64;
const MOST_NOTE_BYTES = 256 * 1024, MOST_SHOWN = 100;
// A witness's clock may be ahead of ours by so many milliseconds.
const AHEAD = 5 * 60 * 1000;

async function leafHash(leaf) { return digestOf(joined([0], leaf)); }
async function nodeHash(left, right) { return digestOf(joined([1], left, right)); }

function sizeOf(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > MOST_SIZE) throw new Unreadable("that is not the size of a tree");
  return BigInt(text);
}

function parseNote(bytes) {
  if (bytes.length > MOST_NOTE_BYTES) throw new Unreadable("the note is too long");
  const text = textOf(bytes), gap = text.lastIndexOf("\n\n");
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw new Unreadable("a note has no control characters");
  if (gap <= 0 || !text.endsWith("\n") || gap + 2 >= text.length) {
    throw new Unreadable("a note is a text, an empty line, and lines of signatures");
  }
  const lines = text.slice(gap + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) throw new Unreadable("a note has too many signatures");
  const signatures = lines.map((line) => {
    const found = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line);
    if (!found) throw new Unreadable("a line below the note is no signature");
    const raw = fromBase64(found[2]);
    if (raw.length <= 4) throw new Unreadable("a signature is too short");
    return { name: found[1], id: hexOf(raw.subarray(0, 4)), value: raw.subarray(4), line: `${line}\n` };
  });
  return { text: bytesOf(text.slice(0, gap + 1)), signatures };
}

function parseCheckpoint(text) {
  const lines = textOf(text).split("\n");
  if (lines.length <= 3 || lines.pop() !== "" || lines.some((line) => !line)) {
    throw new Unreadable("a checkpoint has an origin, a size and a root, a line each");
  }
  const root = fromBase64(lines[2]);
  if (root.length !== 32) throw new Unreadable("the root of a checkpoint has 32 bytes");
  return { origin: lines[0], size: sizeOf(lines[1]), root, rootText: lines[2] };
}

async function parseVerifierKey(line) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line.trim());
  if (!found) throw new Unreadable("a verifier key is written name+id+key");
  const raw = fromBase64(found[3]);
  if (raw.length !== 33 || ![ED25519, COSIGNATURE].includes(raw[0])) throw new Unreadable("a key of no known algorithm");
  const id = hexOf((await digestOf(joined(bytesOf(`${found[1]}\n`), raw))).subarray(0, 4));
  if (id !== found[2]) throw new Unreadable(`the id in the verifier key of ${found[1]} is not that of its key`);
  return { name: found[1], id, algorithm: raw[0], raw: raw.subarray(1) };
}

async function isSignedWith(key, text, value) {
  let signed = text, signature = value;
  if (key.algorithm === COSIGNATURE) {
    if (value.length !== 72 || value[0] & 0x80) return false;
    const at = BigInt(`0x${hexOf(value.subarray(0, 8))}`);
    signed = joined(bytesOf(`cosignature/v1\ntime ${at}\n`), text);
    signature = value.subarray(8);
  }
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error.name === "DataError") return false;
    throw new Unsupported("no_ed25519");
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, signed);
}

function parseProof(bytes) {
  const gap = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  if (gap < 0) throw new Unreadable("a proof is a few lines, an empty line, and a checkpoint");
  const [magic, ...lines] = textOf(bytes.subarray(0, gap)).split("\n");
  if (magic !== "c2sp.org/tlog-proof@v1") throw new Unreadable("this is no proof of the known form");
  if (lines.length && lines[0].startsWith("extra ")) fromBase64(lines.shift().slice(6));
  if (!lines.length || !lines[0].startsWith("index ")) throw new Unreadable("a proof has a line with the index");
  const index = sizeOf(lines.shift().slice(6));
  if (lines.length > MOST_PROOF) throw new Unreadable(`a proof has at most ${MOST_PROOF} hashes`);
  const hashes = lines.map(fromBase64);
  if (hashes.some((each) => each.length !== 32)) throw new Unreadable("a proof holds something that is no hash");
  return { index, hashes, note: bytes.subarray(gap + 2) };
}

// [RFC 9162 2.1.3.2]; a sentence, or "" when the leaf is there.
async function notIncluded(index, size, leaf, hashes, root) {
  if (index >= size) return `a tree of ${size} leaves has no leaf ${index}`;
  let first = index, last = size - 1n, node = leaf;
  for (const hash of hashes) {
    if (last === 0n) return "the inclusion proof is too long";
    if (first & 1n || first === last) {
      node = await nodeHash(hash, node);
      while (!(first & 1n) && first) { first >>= 1n; last >>= 1n; }
    } else node = await nodeHash(node, hash);
    first >>= 1n;
    last >>= 1n;
  }
  if (last) return "the inclusion proof is too short";
  return isSame(node, root) ? "" : "the inclusion proof leads to another root";
}

// What the log proves: `leaves` by index, and `signed`, which time stamps are over.
async function checkLog(container, facts, anchors, at) {
  const logged = { checks: [], leaves: new Map(), signed: null };
  const { note, checkpoint } = await checkpointOf(container, facts, anchors, logged);
  logged.checks.push(...await witnessesOf(note, anchors, at));
  const indices = new Set(facts.leaves.map((leaf) => BigInt(leaf.index)));
  for (const name of container.entries.keys()) {
    if (["leaf", "proof"].includes(roleOf(name))) indices.add(BigInt(name.split("/")[2].split(".")[0]));
  }
  const known = new Map(facts.leaves.map((leaf) => [BigInt(leaf.index), leaf.kind]));
  const about = new Set([facts.document.id, ...facts.messages.map((each) => each.id), ...facts.deliveries.map((each) => each.id)]);
  for (const index of Array.from(indices).sort((left, right) => (left < right ? -1 : 1))) {
    let [check, leaf] = await leafOf(container, index, note, checkpoint);
    if (leaf && check.verdict !== FAILED) {
      if (!about.has(fieldOf(leaf, "message")) && !about.has(fieldOf(leaf, "delivery"))) {
        check = failed(check.name, "leaf_of_another_document", "the leaf names neither document nor delivery");
      } else if (!known.has(index) || known.get(index) !== fieldOf(leaf, "kind")) {
        check = failed(check.name, "facts_differ", `bundle.json says ${known.get(index)}, the leaf otherwise`);
      } else if (check.verdict === PASSED) logged.leaves.set(index, leaf);
    }
    logged.checks.push(check);
  }
  if (facts.pending_leaves) {
    const until = facts.log ? `: it speaks of the log's first ${facts.log.size} leaves; export again later` : "";
    const detail = `${facts.pending_leaves} newer events had no proof when the bundle was made${until}`;
    logged.checks.push(undecided("leaves.pending", "leaves_pending", detail, false));
  }
  return logged;
}

async function checkpointOf(container, facts, anchors, logged) {
  const name = "checkpoint", entry = "evidence/checkpoint.note", told = (check) => logged.checks.push(check);
  if (!container.has(entry)) {
    told(undecided(name, "no_checkpoint", "the bundle was made before the log signed anything"));
    return { note: null, checkpoint: null };
  }
  let raw, note, checkpoint;
  try {
    raw = container.smallOf(entry);
    note = parseNote(raw);
    checkpoint = parseCheckpoint(note.text);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    told(failed(name, "checkpoint_wrong", error.message));
    return { note: null, checkpoint: null };
  }
  if (!anchors.log.length) {
    told(undecided(name, "no_log_key", `whether it is of ${checkpoint.origin} cannot be told`));
    return { note: { raw, ...note }, checkpoint };
  }
  if (!anchors.log.some((key) => key.name === checkpoint.origin)) {
    const names = anchors.log.map((key) => key.name).join(", ");
    told(failed(name, "another_log", `the log is ${checkpoint.origin}, the known ones are ${names}`));
    return { note: { raw, ...note }, checkpoint: null };
  }
  const wrong = await notSigned(note, anchors.log, checkpoint.origin);
  if (wrong) {
    told(wrong.reason ? undecided(name, wrong.reason) : failed(name, "checkpoint_wrong", wrong.text));
    return { note: { raw, ...note }, checkpoint: null };
  }
  const own = note.signatures.find((each) => each.name === checkpoint.origin);
  logged.signed = joined(note.text, bytesOf(`\n${own.line}`));
  const { log } = facts;
  if (!log || log.origin !== checkpoint.origin || BigInt(log.size) !== checkpoint.size) {
    told(failed(name, "facts_differ", "bundle.json speaks of another checkpoint"));
  } else told(passed(name, `${checkpoint.size} leaves of ${checkpoint.origin}`));
  return { note: { raw, ...note }, checkpoint };
}

// Every line of a known key must hold, and one of the log's own key must be among them.
async function notSigned(note, keys, origin) {
  const signed = new Set();
  try {
    for (const line of note.signatures) {
      const key = keys.find((each) => each.name === line.name && each.id === line.id);
      if (!key) continue;
      if (!(await isSignedWith(key, note.text, line.value))) return { text: `the signature of ${key.name} does not hold` };
      signed.add(key.name);
    }
  } catch (error) {
    if (error instanceof Unsupported) return { reason: error.message };
    throw error;
  }
  return signed.has(origin) ? null : { text: `no known key of the log ${origin} signed the checkpoint` };
}

// A check for each witness that the auditor knows, and whether they are enough; strangers are named and count nothing.
async function witnessesOf(note, anchors, at) {
  const name = "witnesses", strangers = note ? strangersOf(note, anchors) : [];
  if (!anchors.witnesses.length) {
    const asked = `no independent witness was asked; ${strangers.length} unknown ones signed`;
    return [undecided(name, "no_witness_keys", asked, false), ...strangers];
  }
  if (!note) return [undecided(name, "no_checkpoint")];
  const checks = [], signed = new Map();
  try {
    for (const key of anchors.witnesses) {
      const check = await witnessOf(note, key, at);
      checks.push(check);
      if (check.verdict === PASSED) signed.set(hexOf(key.raw), key.name);
    }
  } catch (error) {
    if (error instanceof Unsupported) return [undecided(name, error.message), ...strangers];
    throw error;
  }
  const told = `${signed.size} signed, ${anchors.quorum} must`;
  const enough = signed.size < anchors.quorum ? undecided(name, "too_few_witnesses", told)
    : passed(name, `${told}: ${Array.from(signed.values()).sort().join(", ")}`);
  return [enough, ...checks, ...strangers];
}

async function witnessOf(note, key, at) {
  const name = `log.witness.${key.name.slice(0, MOST_SHOWN)}`;
  const own = note.signatures.filter((each) => each.name === key.name && each.id === key.id);
  if (!own.length) return undecided(name, "witness_absent", "", false);
  const held = await Promise.all(own.map((line) => isSignedWith(key, note.text, line.value)));
  if (!held.every(Boolean)) return failed(name, "cosignature_wrong", `the signature of ${key.name} does not hold`);
  if (key.algorithm !== COSIGNATURE) return failed(name, "cosignature_wrong", "that is the key of a log");
  const told = own.map((line) => Number(BigInt(`0x${hexOf(line.value.subarray(0, 8))}`))).reduce((one, two) => Math.min(one, two));
  if (told * 1000 > at + AHEAD) return undecided(name, "cosignature_in_future", "it is of a time to come", false);
  return passed(name, `seen at ${new Date(told * 1000).toISOString()}, by its own clock`, false);
}

// Lines of keys that are neither the log's nor a known witness's.
function strangersOf(note, anchors) {
  const [origin] = textOf(note.text).split("\n"), found = new Map();
  for (const line of note.signatures) {
    const isKnown = anchors.witnesses.some((key) => key.name === line.name && key.id === line.id);
    if (!isKnown && line.name !== origin) found.set(`${line.name} ${line.id}`, line);
  }
  return Array.from(found.values(), (line) =>
    undecided(`log.witness.${line.name.slice(0, MOST_SHOWN)}`, "witness_unknown", `key ${line.id}`, false));
}

async function leafOf(container, index, note, checkpoint) {
  const name = `leaf.${index}`, files = [`evidence/leaves/${index}.json`, `evidence/leaves/${index}.tlog-proof`];
  const missing = files.filter((each) => !container.has(each));
  if (missing.length) return [failed(name, missing.length > 1 ? "leaf_missing" : "proof_missing", missing.join(", ")), null];
  let raw, proof, leaf;
  try {
    raw = container.smallOf(files[0]);
    proof = parseProof(container.smallOf(files[1]));
    leaf = jsonOf(raw, 0);
    if (!isObject(leaf.value)) throw new Unreadable("the leaf is no object");
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return [failed(name, "proof_wrong", error.message), null];
  }
  if (proof.index !== index) return [failed(name, "proof_wrong", `the proof is for leaf ${proof.index}`), leaf.value];
  if (!note || !isSame(proof.note, note.raw)) return [failed(name, "proof_of_another_checkpoint"), leaf.value];
  if (!checkpoint) return [undecided(name, "no_checkpoint", "there is no checkpoint that holds"), leaf.value];
  const wrong = await notIncluded(index, checkpoint.size, await leafHash(raw), proof.hashes, checkpoint.root);
  if (wrong) return [failed(name, "proof_wrong", wrong), leaf.value];
  if (!leaf.isPlain) return [undecided(name, "use_gateway_verify", "the leaf is not written as the gateway writes it"), leaf.value];
  return [passed(name), leaf.value];
}
