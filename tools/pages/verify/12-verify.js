// Verifies a bundle from its bytes and the anchors alone; the same plan as gateway/verifying/verify.py.
const NOT_EXAMINED = [
  "whether the contents of the document are true",
  "signatures within the document (PDF signatures): gateway-verify --pdf",
  "what is not in the bundle: other messages about the document, and what peers did with it afterwards",
];

async function verify(data, given, at) {
  const container = new Container(data);
  if (container.has(FORMAT.absence)) return verifyAbsence(container, given, at);
  const checks = [], unexamined = new Set(NOT_EXAMINED), result = { checks, at, facts: null, unexamined };
  if (container.has(FORMAT.purge)) {
    checks.push(undecided("format", "use_gateway_verify", "bytes of it were destroyed by order. This page does not check it: gateway-verify FILE --anchors DIR --document ORIGINAL"));
    return result;
  }
  if (container.has(FORMAT.archive)) {
    checks.push(undecided("format", "use_gateway_verify", "a month of the ledger. This page checks nothing of an archive: gateway-verify FILE --anchors DIR"));
    return result;
  }
  checks.push(...containerChecks(container));
  const facts = readFacts(container, FORMAT.bundle, [FORMAT.format, FORMAT.version], FORMAT.facts, checks);
  if (!facts) return result;
  result.facts = facts;
  checks.push(...checkLists(container, facts, FORMAT.bundle));
  const anchors = await trustedAnchors(container, facts, given, checks);
  const logged = await checkLog(container, facts, anchors, at);
  const lists = listsOf(container), ocsps = ocspsOf(container), verdicts = await checkVerdicts(container, facts, logged);
  checks.push(...logged.checks, ...verdicts.checks, ...(await checkAnswers(container, lists, ocsps, anchors, verdicts.named)));
  withAnswers(anchors, lists, ocsps);
  const small = (name) => (container.has(name) ? container.bytesOf(name) : new Uint8Array());
  const stamped = await checkStamps(container, logged.signed, anchors);
  const received = [...(await checkRecord(container, anchors)), ...(await checkAdded("acceptance", small(FORMAT.acceptance), anchors))];
  const exported = await checkAdded("export", small(FORMAT.export), anchors, container);
  checks.push(...[...stamped, ...received, ...exported].map(([check]) => check));
  if (facts.lasting === true && !isLasting(small(FORMAT.export))) checks.push(failed("export.archive_stamp", "stamps_removed"));
  checks.push(timeProven([...stamped, ...received]), ...strangers(container));
  const times = { log: timesOf(stamped), receipt: timesOf(received), export: timesOf(exported) };
  checks.push(...(await checkInstitution(container, logged.signed, anchors, momentOf(at, times.export))));
  const context = { container, facts, logged, anchors, at, times, unexamined };
  checks.push(...(await seals(context)));
  checks.push(await checkTransfer(container, "transfer", FORMAT.transfer, FORMAT.document, facts.document));
  checks.push(checkStatuses(facts, logged), ...facts.deliveries.map((each) => checkDelivery(each, facts, logged)));
  checks.push(...(await checkReceivers(container, facts, logged, anchors)), ...signedStatuses(container, facts, logged));
  return result;
}

// Entries of a role that gateway-verify may judge and this page does not.
const UNDERSTOOD = [
  "document", "transfer", "manifest", "acceptance_seal", "export_seal", "evidence_record", "evidence_record_manifest",
  "facts", "leaf", "proof", "checkpoint", "stamp", "message", "message_transfer", "message_receipt",
  "revocation", "verdict", "checkpoint_signature",
  // held by the export seal; nobody judges it
  "certificate",
];

function strangers(container) {
  const names = Array.from(container.entries.keys()).filter((name) => roleOf(name) && !UNDERSTOOD.includes(roleOf(name)));
  return names.length ? [undecided("entries.other", "use_gateway_verify", names.join(", "))] : [];
}

// Seals are verified as of `at`, or earlier where a stamp proves that they were there.
const momentOf = (at, proven) => Math.min(at, ...proven.filter((each) => each <= at));

function containerChecks(container) {
  if (!container.faults.length) return [passed("container", `${container.entries.size} entries`)];
  return container.faults.map((fault) => failed("container", "container_broken", fault));
}

async function trustedAnchors(container, facts, given, checks) {
  let anchors = null;
  try {
    anchors = await anchorsOf(given);
    checks.push(anchors ? passed("anchors") : undecided("anchors", "anchor_from_bundle"));
  } catch (error) {
    if (!(error instanceof Unsupported || error instanceof Unreadable)) throw error;
    checks.push(undecided("anchors", "anchors_unusable", error.message));
  }
  return anchors || anchorsOfBundle(container, facts);
}

function readFacts(container, entry, [format, version], schema, checks) {
  try {
    const { value, isPlain } = jsonOf(container.smallOf(entry), 1);
    if (fieldOf(value, "format") !== format || fieldOf(value, "version") !== version) {
      checks.push(failed("format", "version_unknown", `${entry} is not of format ${format}, version ${version}`));
      return null;
    }
    const told = misfit(value, schema, "", schema.$defs);
    if (told) throw new Unreadable(told);
    checks.push(isPlain ? passed("format", `version ${value.version}`)
      : undecided("format", "use_gateway_verify", `${entry} is not written as the gateway writes it`));
    return value;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    checks.push(failed("format", "facts_unreadable", error.message));
    return null;
  }
}

async function seals(context) {
  const { container, facts, times } = context;
  const checks = await receipt(context, "acceptance", facts.document.id, [FORMAT.document, FORMAT.transfer, FORMAT.acceptance]);
  const found = new Set();
  for (const name of container.entries.keys()) {
    const told = /^messages\/([0-9a-f-]{36})\./.exec(name);
    if (told) found.add(told[1]);
  }
  for (const message of facts.messages) found.add(message.id);
  for (const id of found) {
    const names = ["edxml", "transfer.json", "receipt.xml"].map((kind) => `messages/${id}.${kind}`);
    checks.push(...(await receipt(context, `messages.${id}`, id, names)));
  }
  return [...checks, ...(await sealOfAll(context, times.export))];
}

// The seal over every entry; `times` are those that a stamp proves of it.
async function sealOfAll({ container, anchors, at, unexamined }, times) {
  if (!container.has(FORMAT.export)) return [failed("export", "entry_missing", "nothing seals the bundle as a whole")];
  const entries = new Map();
  for (const name of container.entries.keys()) {
    if (!["mimetype", FORMAT.export].includes(name)) entries.set(name, await container.digestOf(name));
  }
  return guarded("export", () => checkExport(
    split(container.bytesOf(FORMAT.export)).core, entries, { anchors, at: momentOf(at, times), unexamined }));
}

async function receipt(context, name, id, names) {
  const { container, facts, logged, anchors, at, times, unexamined } = context, isMain = name === "acceptance";
  const missing = names.filter((each) => !container.has(each));
  if (missing.length) return [failed(name, "message_incomplete", `missing: ${missing.join(", ")}`)];
  const [body, transfer, entry] = names, digest = await container.digestOf(body);
  const seal = isMain ? split(container.bytesOf(entry)).core : container.bytesOf(entry);
  const leaf = checkAcceptance(logged, `${name}.leaf`, id, hexOf(digest), hexOf(await digestOf(seal)), !isMain && facts.pending_leaves);
  // what a stamp proves, it proves of what the log held by then
  const when = momentOf(at, [...(leaf.verdict === PASSED ? times.log : []), ...(isMain ? times.receipt : [])]);
  const checks = await guarded(name, () =>
    checkReceipt(name, seal, digest, container.bytesOf(transfer), { anchors, at: when, unexamined }));
  checks.push(leaf);
  if (isMain) return checks;
  const message = facts.messages.find((each) => each.id === id);
  checks.push(message ? await checkTransfer(container, `${name}.transfer`, transfer, body, message)
    : failed(name, "facts_differ", "bundle.json does not know this message"));
  return checks;
}

// What a part of a certificate or signature holds that this page does not understand leaves the seal undecided.
async function guarded(name, check) {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof Unsupported || error instanceof Unreadable)) throw error;
    return [undecided(name, "use_gateway_verify", error.message)];
  }
}
