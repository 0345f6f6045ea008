// Ladders that are known to break: returns what was seen of each. The body of a function that may await.
const { Ladder } = await import("/web/console/ladder/ladder.js");
const main = document.querySelector("main");
const frame = () => new Promise((resume) => requestAnimationFrame(() => setTimeout(resume)));
const make = async (rungs) => {
  const ladder = new Ladder();
  main.replaceChildren(ladder);
  ladder.rungs = rungs;
  await frame();
  return ladder;
};
const rung = (seq, more) => ({ seq, t: seq * 100, from: "PI", to: "PPG", line: "http", word: "POST", note: "", folded: false, ...more });
const many = (count, more = () => ({})) => Array.from({ length: count }, (_, at) => rung(at + 1, more(at + 1)));
const rows = (ladder) => [...ladder.querySelectorAll(".row")].sort((one, other) => Number.parseFloat(one.style.top) - Number.parseFloat(other.style.top));
const seqs = (ladder) => rows(ladder).map((row) => Number(row.dataset.seq));
const middle = (element) => {
  const { left, right } = element.getBoundingClientRect();
  return (left + right) / 2;
};
const seen = {};

const none = await make([]);
seen.none = { rows: rows(none).length, says: none.querySelector(".none").checkVisibility() };

const one = await make(many(3, () => ({ from: "PPG", to: null, line: "", word: "waits" })));
seen.oneLane = { rows: rows(one).length, lanes: one.querySelectorAll(".lane").length };

const wide = await make(many(300, (seq) => ({ from: "PPG", to: `C${(seq % 199) + 1}` })));
const last = rows(wide)[5];
const label = [...wide.querySelectorAll(".lane")].find((it) => it.textContent === wide.rungs[5].to);
seen.manyLanes = { lanes: wide.querySelectorAll(".lane").length, rows: rows(wide).length, off: Math.abs(last.querySelector(".head").getBoundingClientRect().right - middle(label)) };

const self = await make([rung(1, { from: "C1", to: "C1", line: "sip", word: "OPTIONS" }), rung(2, { from: "C1", to: "C2" })]);
const loop = rows(self)[0].querySelector(".wire").getBoundingClientRect();
seen.toSelf = { width: loop.width, spoken: rows(self)[0].ariaLabel, off: Math.abs(loop.left - middle(self.querySelector(".lane"))) };

const equal = await make(many(40, () => ({ t: 7 })));
seen.equalTimes = { seqs: seqs(equal).slice(0, 10), times: new Set(rows(equal).map((row) => row.querySelector(".time").textContent)).size };

const long = await make(many(1000, (seq) => ({ note: seq % 400 === 0 ? "rare" : "" })));
long.view.scrollTop = 1e9;
await frame();
const atEnd = seqs(long).at(-1);
long.wanted = ({ note }) => note === "rare";
await frame();
const afterFilter = seqs(long);
long.wanted = () => true;
await frame();
long.view.scrollTop = 1e9;
await frame();
long.rungs = [];
await frame();
seen.shrinks = { atEnd, afterFilter, afterNothing: seqs(long), top: long.view.scrollTop };

const trimmed = await make(many(2000));
trimmed.view.scrollTop = 26 * 1500;
await frame();
const place = (seq) => rows(trimmed).find((row) => Number(row.dataset.seq) === seq)?.getBoundingClientRect().top;
const before = place(1505);
trimmed.trim(800);
await frame();
seen.trimmed = { before, after: place(1505), kept: trimmed.rungs.length, first: trimmed.rungs[0].seq };

const keys = await make(many(100));
const inspected = [];
const compared = [];
keys.addEventListener("inspect", ({ detail }) => inspected.push(detail.seq));
keys.addEventListener("compare", ({ detail }) => compared.push(detail.map(({ seq }) => seq)));
for (const key of ["j", "j", "Enter", " ", "End", " ", "k", "Enter", "Home", "Enter"]) keys.view.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
await frame();
const active = document.getElementById(keys.view.getAttribute("aria-activedescendant"));
seen.keys = { inspected, compared, active: Number(active?.dataset.seq), selected: keys.querySelectorAll("[aria-selected=true]").length };
keys.view.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true, cancelable: true }));
await frame();
seen.table = { cells: rows(keys)[0].querySelectorAll("span").length, heads: keys.querySelectorAll(".column").length };
return seen;
