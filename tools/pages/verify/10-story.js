// Whether what bundle.json tells is what receipts and leaves say (gateway/verifying/story.py).
function manifestOf(names) {
  const isListed = (name) => !["mimetype", FORMAT.manifest].includes(name) && !name.startsWith("META-INF/signatures");
  const typeOf = (name) => FORMAT.types[name.slice(name.lastIndexOf("."))];
  const rows = [["/", FORMAT.media_type], ...names.filter(isListed).map((name) => [name, typeOf(name)])];
  const lines = rows.map(([name, type]) =>
    `  <manifest:file-entry manifest:full-path="${name}" manifest:media-type="${type}"/>\n`).join("");
  return bytesOf('<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest ' +
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">\n' +
    `${lines}</manifest:manifest>\n`);
}

function checkLists(container, facts, entry) {
  const names = Array.from(container.entries.keys());
  const found = names.filter((name) => !["mimetype", entry].includes(name));
  const told = Object.keys(facts.entries);
  const odd = [...found.filter((name) => fieldOf(facts.entries, name) !== (roleOf(name) || "")), ...told.filter((name) => !found.includes(name))];
  const isOfFormat = names.every((name) => name === "mimetype" || roleOf(name));
  const isManifest = container.has(FORMAT.manifest) && isOfFormat && isSame(container.bytesOf(FORMAT.manifest), manifestOf(names));
  return [
    odd.length ? failed("entries", "entries_differ", odd.join(", ")) : passed("entries", `${found.length} entries`),
    isManifest ? passed("manifest") : failed("manifest", "entries_differ", `${FORMAT.manifest} is not the list of these entries`),
  ];
}

async function checkTransfer(container, name, transfer, body, due) {
  let told;
  try {
    told = jsonOf(container.smallOf(transfer), 0);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return failed(name, "facts_unreadable", `${transfer}: ${error.message}`);
  }
  const document = fieldOf(told.value, "document"), size = container.has(body) ? container.bytesOf(body).length : -1;
  const isTold = fieldOf(told.value, "message") === due.id && fieldOf(document, "sha256") === due.sha256 && fieldOf(document, "size") === due.size;
  if (!isTold || size !== due.size || hexOf(await container.digestOf(body)) !== due.sha256) {
    return failed(name, "facts_differ", `${transfer}, ${body} and bundle.json are not about the same bytes`);
  }
  if (!told.isPlain) return undecided(name, "use_gateway_verify", `${transfer} is not written as the gateway writes it`);
  return passed(name);
}

const leavesOf = (logged) => Array.from(logged.leaves.entries()).sort(([left], [right]) => (left < right ? -1 : 1)).map(([, leaf]) => leaf);

function checkAcceptance(logged, name, message, sha256, receipt, mayBePending) {
  const found = leavesOf(logged).filter((leaf) => leaf.kind === "document.accepted" && leaf.message === message).map((leaf) => leaf.facts).filter(isObject);
  if (found.some((each) => each.sha256 === sha256 && each.receipt === receipt)) return passed(name);
  if (found.length) return failed(name, "leaf_of_another_document", "the leaf of the acceptance names another receipt");
  if (mayBePending && logged.leaves.size) return undecided(name, "leaves_pending", "no leaf that is proved tells of it yet", false);
  return undecided(name, "leaf_missing", "no leaf that is proved tells of the acceptance");
}

function checkStatuses(facts, logged) {
  const messages = new Set(facts.messages.map((each) => each.id));
  const lost = facts.statuses.filter((each) => !messages.has(each.message)).map((each) => `${each.code} in message ${each.message}`);
  const told = leavesOf(logged).filter((leaf) => leaf.kind === "status.recorded").length;
  if (told > facts.statuses.length) lost.push(`the history tells of ${told}, bundle.json of ${facts.statuses.length}`);
  return lost.length ? failed("statuses", "status_missing", lost.join("; ")) : passed("statuses", `${facts.statuses.length} statuses`);
}

function checkDelivery(delivery, facts, logged) {
  const name = `delivery.${delivery.id}`;
  let state = "queued";
  for (const leaf of leavesOf(logged)) {
    if (leaf.delivery !== delivery.id || !isObject(leaf.facts)) continue;
    if (Object.hasOwn(leaf.facts, "from") && Object.hasOwn(leaf.facts, "to")) state = String(leaf.facts.to);
    else if (["delivery.claimed", "delivery.fetched"].includes(leaf.kind)) state = "in_flight";
  }
  if (state === delivery.state) return passed(name, state);
  if (facts.pending_leaves || !logged.leaves.size) {
    return undecided(name, "leaves_pending", `bundle.json says ${delivery.state}, leaves up to now ${state}`, false);
  }
  return failed(name, "state_not_in_history", `bundle.json says ${delivery.state}, the history ${state}`);
}
