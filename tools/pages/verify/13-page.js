// The page itself. Whatever comes from a file is put in as text, never as markup.
const MOST_BUNDLE_BYTES = 1 << 30;
const VERDICTS = { PASSED: "đạt", FAILED: "sai", INDETERMINATE: "không kết luận được" };
const element = (id) => document.getElementById(id);
const given = { bundle: null, seal: new Map(), tsa: new Map(), keys: new Map(), receivers: new Map(), institution: new Map() };
// What may be given, by the names of inputs and of folders.
const STORES = ["seal", "tsa", "institution", "keys", "receivers"];
let turn = 0;

function line(tag, text, name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

async function read(files, into) {
  for (const file of files) into.set(file.name, new Uint8Array(await file.arrayBuffer()));
}

// A folder as gateway-verify takes it: seal/, tsa/, institution/, receivers/, log.vkey, witnesses.vkey.
async function readFolder(files) {
  for (const file of files) {
    const [name, folder] = file.webkitRelativePath.split("/").reverse();
    const into = name.endsWith(".vkey") ? given.keys : ({ ...given, bundle: null })[folder];
    if (into) into.set(name, new Uint8Array(await file.arrayBuffer()));
  }
}

function instant() {
  const text = element("at").value;
  return text ? Date.parse(`${text}T23:59:59.999Z`) : Date.now();
}

async function run() {
  turn += 1;
  const own = turn;
  const held = STORES.flatMap((each) => Array.from(given[each].keys()));
  element("held").textContent = held.length ? held.join(", ") : "chưa có / none";
  if (!given.bundle) return;
  element("state").textContent = "Đang kiểm tra… / Checking…";
  const at = instant();
  let found, told = "";
  try {
    if (given.bundle.size > MOST_BUNDLE_BYTES) throw new Unsupported("the file is too large for a browser; use gateway-verify");
    found = await verify(new Uint8Array(await given.bundle.arrayBuffer()), given, at);
  } catch (error) {
    told = `${error.name}: ${error.message}`;
    found = { checks: [undecided("page", "use_gateway_verify", told)], at, facts: null, unexamined: new Set() };
  }
  if (own === turn) show(given.bundle.name, found);
}

function show(name, found) {
  const verdict = worstOf(found.checks);
  element("state").textContent = "";
  element("result").hidden = false;
  element("name").textContent = name;
  element("verdict").textContent = `${verdict}: ${VERDICTS[verdict]}`;
  element("verdict").className = verdict;
  const [subject, about] = found.facts ? [found.facts.document.subject, `${found.facts.document.id}, SHA-256 ${found.facts.document.sha256}`]
    : found.question ? [`Không có văn bản / No document: ${found.question.issuer.name}`, questionOf(found.question)] : ["", ""];
  element("subject").textContent = subject;
  element("about").textContent = about;
  element("as-of").textContent = new Date(found.at).toISOString();
  // what did not pass stands first
  const order = [FAILED, INDETERMINATE, PASSED];
  const sorted = found.checks.slice().sort((left, right) => order.indexOf(left.verdict) - order.indexOf(right.verdict));
  element("checks").replaceChildren(...sorted.map(row));
  element("unexamined").replaceChildren(...Array.from(found.unexamined, (each) => line("li", each)));
  document.body.dataset.done = String(turn);
}

function row(check) {
  const made = document.createElement("tr"), name = line("th", check.name), verdict = line("td", check.verdict, check.verdict);
  name.scope = "row";
  if (!check.counts) verdict.append(line("div", "không tính / does not count"));
  const why = document.createElement("td"), texts = FORMAT.reasons[check.reason] || OWN_REASONS[check.reason] || [];
  for (const each of [check.reason, ...texts, check.detail]) if (each) why.append(line("div", each));
  made.append(name, verdict, why);
  return made;
}

function start() {
  const taken = (id, take) => element(id).addEventListener("change", async (event) => {
    await take(event.target.files);
    await run();
  });
  taken("bundle", async ([file]) => { given.bundle = file || null; });
  taken("folder", readFolder);
  for (const each of STORES) taken(each, (files) => read(files, given[each]));
  element("at").addEventListener("change", run);
  element("forget").addEventListener("click", () => {
    for (const each of STORES) given[each].clear();
    for (const id of ["folder", ...STORES]) element(id).value = "";
    run();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) { given.bundle = file; run(); }
  });
  if (!globalThis.crypto || !crypto.subtle) {
    element("state").textContent = "Trình duyệt không có WebCrypto ở đây; hãy mở tệp này từ máy. / No WebCrypto here; open this file from disk.";
  }
}

start();
