// Proofs that an agency sent no such document on closed days; the same plan as gateway/verifying/absence.py.
const ABSENCE_NOT_EXAMINED = [
  "whether the gateway entered all that it accepted: a receipt of the document would prove that it did not",
  "whether the directory's ids are the offices that are named: receipts and transfer.json name them, too",
  "documents that did not go through this gateway, and spellings of the number that are another text",
];
const MOST_DAYS = 3660, ONE_DAY = 24 * 60 * 60 * 1000, COMMITMENT_BITS = 64, SALT_BYTES = 16;
const CLOSING_NUMBERS = ["after", "until", "registers", "documents", "entries", "late"];
// Where small letters are what Python's casefold makes of them; others are left to gateway-verify.
const PLAIN_LETTERS = /^[\t-\r -~À-ÖØ-ÞàáâãèéêìíòóôõùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ]*$/u;

// A reason of gateway/verifying/findings.py and a sentence.
class NotProved extends Error {
  constructor(reason, detail = "") { super(detail); this.reason = reason; }
}

async function verifyAbsence(container, given, at) {
  const checks = [], unexamined = new Set(ABSENCE_NOT_EXAMINED), result = { checks, at, facts: null, question: null, unexamined };
  checks.push(...containerChecks(container));
  const facts = readFacts(container, FORMAT.absence, [FORMAT.absence_format, FORMAT.absence_version], FORMAT.absence_facts, checks);
  if (!facts) return result;
  result.question = facts.question;
  checks.push(...checkLists(container, facts, FORMAT.absence));
  const anchors = await trustedAnchors(container, facts, given, checks);
  const logged = { checks: [], leaves: new Map(), signed: null };
  const { note, checkpoint } = await checkpointOf(container, facts, anchors, logged);
  checks.push(...logged.checks, ...(await witnessesOf(note, anchors, at)));
  const leaves = new Map();
  for (const index of new Set(facts.days.map((day) => day.leaf))) {
    const [check, leaf] = await leafOf(container, BigInt(index), note, checkpoint);
    checks.push(check);
    // what is not decided for want of a key is still looked at: it may be wrong
    leaves.set(index, check.verdict === FAILED ? null : leaf);
  }
  const stamped = await checkStamps(container, logged.signed, anchors);
  const seal = container.has(FORMAT.export) ? container.bytesOf(FORMAT.export) : new Uint8Array();
  const exported = await checkAdded("export", seal, anchors, container);
  checks.push(...[...stamped, ...exported].map(([check]) => check), timeProven(stamped));
  checks.push(...(await sealOfAll({ container, anchors, at, unexamined }, timesOf(exported))));
  checks.push(...(await absentDays(container, facts, leaves)));
  return result;
}

async function absentDays(container, facts, leaves) {
  const checks = [], due = [];
  const asked = await examined("question", async () => {
    due.push(...dueDays(facts));
    return questionOf(facts.question);
  });
  checks.push(asked);
  let before = null;
  for (const [at, day] of due.entries()) {
    const name = `register.${day}`, found = { day, registers: null, closing: null };
    const closed = await examined(`${name}.closing`, async () => {
      const { leaf } = facts.days[at], closing = closingOf(day, leaves.get(leaf), before);
      const { value, isPlain } = jsonOf(container.smallOf(`evidence/registers/${day}.json`), 1);
      const told = misfit(value, FORMAT.absence_registers, "", FORMAT.absence_registers.$defs);
      if (told) throw new Unreadable(told);
      if (!isPlain) throw new Unsupported("the registers are not written as the gateway writes them");
      Object.assign(found, { registers: value, closing });
      return `leaf ${leaf}: leaves ${closing.after} to ${closing.until - 1}`;
    });
    checks.push(closed);
    before = found.closing;
    if (closed.verdict !== PASSED) continue;
    for (const [part, look] of [["issuer", issuerOf], ["entries", entriesOf], ["absent", absentOf]]) {
      checks.push(await examined(`${name}.${part}`, () => look(found, facts.question)));
    }
  }
  return checks;
}

async function examined(name, look) {
  try {
    return passed(name, await look());
  } catch (error) {
    if (error instanceof NotProved) return failed(name, error.reason, error.message);
    if (error instanceof Unreadable) return failed(name, "register_wrong", error.message);
    if (error instanceof Unsupported) return undecided(name, "use_gateway_verify", error.message);
    throw error;
  }
}

function dayOf(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) throw new Unsupported(`${text} is not written as a day is`);
  const at = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text || text < "0001") throw new NotProved("day_missing", `no day: ${text}`);
  return at;
}

// The days of the question, which must be those that are named, in their order.
function dueDays(facts) {
  const first = dayOf(facts.question.first), last = dayOf(facts.question.last), count = (last - first) / ONE_DAY + 1;
  if (!(count >= 1 && count <= MOST_DAYS)) throw new NotProved("day_missing", `${facts.question.first} to ${facts.question.last} are no days`);
  const due = Array.from({ length: count }, (_, number) => new Date(first + number * ONE_DAY).toISOString().slice(0, 10));
  const named = facts.days.map((each) => each.day), lacking = due.filter((each) => !named.includes(each));
  if (lacking.length) throw new NotProved("day_missing", `not closed, or not there: ${lacking.join(", ").slice(0, 200)}`);
  if (due.join() !== named.join()) throw new NotProved("day_foreign", "other days than those of the question, or in another order");
  return due;
}

function questionOf(question) {
  const number = question.number ? `number ${question.number}` : "any number";
  const recipient = question.recipient ? `to ${question.recipient.code}` : "to anybody";
  return `${number} by ${question.issuer.code} ${recipient}, ${question.first} to ${question.last}`;
}

function closingOf(day, leaf, before) {
  if (!leaf) throw new NotProved("leaf_missing", "the leaf that closes it is not proved");
  const facts = fieldOf(leaf, "facts"), root = fieldOf(facts, "root");
  const isShaped = isObject(facts) && Object.keys(facts).length === CLOSING_NUMBERS.length + 3 && typeof fieldOf(facts, "day") === "string" &&
    typeof root === "string" && /^[0-9a-f]{64}$/.test(root) && fieldOf(facts, "zone") === FORMAT.zone &&
    CLOSING_NUMBERS.every((name) => Number.isSafeInteger(fieldOf(facts, name)) && facts[name] >= 0);
  if (fieldOf(leaf, "kind") !== "register.closed" || !isShaped) throw new NotProved("register_wrong", "the leaf closes no day");
  if (facts.day !== day) throw new NotProved("day_foreign", `the leaf closes ${facts.day}`);
  if (before && facts.after !== before.until) {
    throw new NotProved("register_wrong", `it looks at leaves since ${facts.after}, the day before up to ${before.until}`);
  }
  return { ...facts, root: fromHex(root) };
}

// All registers of the day are there, and which one is the issuer's is beyond doubt.
async function issuerOf({ day, registers, closing }, question) {
  if (registers.day !== day) throw new NotProved("day_foreign", `the file holds the registers of ${registers.day}`);
  const items = registers.registers.map((each) => [fromHex(each.agency), fromHex(each.digest)]);
  const hashes = await Promise.all(items.map((item) => leafHash(joined(...item))));
  if (items.length !== closing.registers || !isSame(await rootOf(hashes), closing.root)) {
    throw new NotProved("register_wrong", "they are not the registers that the leaf closed");
  }
  const bits = await bitsOf("agency", question.issuer.agency), mine = [];
  for (const [at, each] of registers.registers.entries()) {
    if (each.another) await isAnother(each.another, items[at][0], bits, "a register");
    else mine.push(items[at]);
  }
  const { own } = registers;
  if (mine.length !== (own ? 1 : 0)) throw new NotProved("issuer_not_shown", `${mine.length} registers may be the issuer's`);
  if (!own) return `none of ${items.length} registers is the issuer's`;
  if (!isSame(mine[0][0], await commitmentOf(bits, fromHex(own.salts)))) throw new NotProved("issuer_not_shown", "the register is another agency's");
  const register = registerOf(own);
  if (!isSame(await digestOf(joined(...register.numbers.map(eightBytes), register.root)), mine[0][1])) {
    throw new NotProved("register_wrong", "the issuer's register is not the one of the list");
  }
  return `one of ${items.length} registers is the issuer's`;
}

// All entries of the issuer's register are there.
async function entriesOf({ registers, closing }) {
  if (!registers.own) {
    if (registers.entries.length) throw new NotProved("register_wrong", "entries without a register");
    return "no entries";
  }
  const entries = registers.entries.map(entryOf), leaves = entries.map((each) => each.leaf), last = leaves[leaves.length - 1];
  if (!entries.length || leaves.some((leaf, at) => at && leaf < leaves[at - 1]) || last >= closing.until) {
    throw new NotProved("register_wrong", "the entries are not in the order of the log, up to the closing");
  }
  const hashes = [];
  for (const each of entries) hashes.push(await leafHash(joined(eightBytes(each.leaf), each.number, each.recipient)));
  const { numbers, root } = registerOf(registers.own), documents = new Set(leaves).size;
  const made = [documents, entries.length, leaves[0], last];
  if (made.join() !== numbers.join() || !isSame(await rootOf(hashes), root)) {
    throw new NotProved("register_wrong", "an entry is missing, added or changed: they do not make the register");
  }
  return `${entries.length} entries of ${documents} documents`;
}

// None of the entries is what was asked for.
async function absentOf({ registers }, question) {
  const asked = new Map();
  if (question.number) {
    if (!question.number.includes("/")) throw new NotProved("entry_not_shown", "the number that was asked for has no notation");
    asked.set("number", await bitsOf("number", numberText(question.number)));
  }
  if (question.recipient) asked.set("recipient", await bitsOf("recipient", question.recipient.agency));
  for (const each of registers.entries) {
    if (!asked.has(each.field)) throw new NotProved("entry_not_shown", `entry of leaf ${each.leaf}: ${each.field} was not asked for`);
    await isAnother(each.another, entryOf(each)[each.field], asked.get(each.field), `the entry of leaf ${each.leaf}`);
  }
  return `${registers.entries.length} entries, each of another document`;
}

// A bit of the commitment is another one (gateway/transparency/commitment.py).
async function isAnother(shown, root, bits, what) {
  const salt = fromHex(shown.salt), path = fromHex(shown.path), hashes = [];
  if (![0, 1].includes(shown.bit) || salt.length !== SALT_BYTES || shown.position < 0 || path.length % 32) {
    throw new Unreadable("it is no bit with its salt");
  }
  for (let at = 0; at < path.length; at += 32) hashes.push(path.subarray(at, at + 32));
  const leaf = await leafHash(joined(salt, [shown.bit]));
  const wrong = await notIncluded(BigInt(shown.position), BigInt(COMMITMENT_BITS), leaf, hashes, root);
  if (wrong) throw new Unreadable(wrong);
  if (bitAt(bits, shown.position) === shown.bit) throw new NotProved("entry_not_shown", `the bit that is shown of ${what} does not tell it apart`);
}

async function bitsOf(field, value) { return (await digestOf(bytesOf(`${field}\0${value}`))).subarray(0, COMMITMENT_BITS / 8); }
const bitAt = (bits, position) => (bits[position >> 3] >> (7 - (position & 7))) & 1;

async function commitmentOf(bits, salts) {
  if (salts.length !== COMMITMENT_BITS * SALT_BYTES) return new Uint8Array();
  const hashes = [];
  for (let at = 0; at < COMMITMENT_BITS; at += 1) {
    hashes.push(await leafHash(joined(salts.subarray(at * SALT_BYTES, (at + 1) * SALT_BYTES), [bitAt(bits, at)])));
  }
  return rootOf(hashes);
}

// [RFC 9162 2.1.1].
async function rootOf(hashes) {
  let row = hashes;
  if (!row.length) return digestOf(new Uint8Array());
  while (row.length > 1) {
    const above = [];
    for (let at = 0; at + 1 < row.length; at += 2) above.push(await nodeHash(row[at], row[at + 1]));
    row = row.length % 2 ? [...above, row[row.length - 1]] : above;
  }
  return row[0];
}

// How number and notation are compared (gateway/transparency/registers.py).
function numberText(number) {
  const text = number.normalize("NFC");
  if (!PLAIN_LETTERS.test(text)) throw new Unsupported("the number has letters that this page does not compare");
  const whole = text.toLowerCase().replace(/\s+/g, "");
  return /^0[0-9]/.test(whole) ? whole.replace(/^0+/, "") : whole;
}

function entryOf(shown) {
  const found = { leaf: shown.leaf, number: fromHex(shown.number), recipient: fromHex(shown.recipient) };
  if (found.number.length !== 32 || found.recipient.length !== 32 || shown.leaf < 0) throw new Unreadable("it is no entry of a register");
  return found;
}

function registerOf(own) {
  const numbers = [own.documents, own.entries, own.first, own.last], root = fromHex(own.root);
  if (root.length !== 32 || numbers.some((each) => each < 0)) throw new Unreadable("it is no register");
  return { numbers, root };
}

function eightBytes(number) {
  const found = new Uint8Array(8);
  new DataView(found.buffer).setBigUint64(0, BigInt(number));
  return found;
}

function fromHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) {
    if (/^[0-9A-Fa-f\s]*$/.test(text)) throw new Unsupported("hexadecimal digits are not written as the gateway writes them");
    throw new Unreadable("it is not hexadecimal");
  }
  return Uint8Array.from(text.match(/../g) || [], (each) => parseInt(each, 16));
}
