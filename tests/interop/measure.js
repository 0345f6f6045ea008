// The ladder's budget: 50,000 messages kept, how long until they are painted, how long one more takes. The body of a
// function that may await.
const { Ladder } = await import("/web/console/ladder/ladder.js");
const KEPT = 50_000;
const main = document.querySelector("main");
const LINES = ["sip", "msrp", "http", "wsp", "sms"];
const rung = (seq) => ({ seq, t: seq * 120, from: seq % 2 ? "PPG" : `C${(seq % 8) + 1}`, to: seq % 2 ? `C${(seq % 8) + 1}` : "PPG", line: LINES[seq % 5], word: seq % 2 ? "MESSAGE" : "200", note: `push ${seq}`, folded: false });
const painted = () => new Promise((resume) => requestAnimationFrame(() => setTimeout(resume)));
const sorted = (times) => times.sort((one, other) => one - other);
const at = (times, share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];

const rungs = Array.from({ length: KEPT }, (_, place) => rung(place + 1));
const firsts = [];
let ladder;
for (let round = 0; round < 7; round += 1) {
  ladder = new Ladder();
  ladder.follows = true;
  main.replaceChildren();
  await painted();
  const begin = performance.now();
  main.append(ladder);
  ladder.rungs = rungs;
  await painted();
  firsts.push(performance.now() - begin);
}
const appends = [];
const scrolled = [];
for (let seq = KEPT + 1; seq <= KEPT + 1_000; seq += 1) {
  // Half of them at the end, half while somebody looks at the middle.
  const isMiddle = seq > KEPT + 500;
  if (seq === KEPT + 501) {
    ladder.follows = false;
    ladder.view.scrollTop = 26 * 20_000;
    await painted();
  }
  const begin = performance.now();
  ladder.append([rung(seq)]);
  ladder.trim(KEPT);
  ladder.draw();
  // Style and layout are part of it.
  ladder.view.getBoundingClientRect();
  (isMiddle ? scrolled : appends).push(performance.now() - begin);
  if (seq % 20 === 0) await painted();
}
sorted(firsts);
sorted(appends);
sorted(scrolled);
return {
  kept: ladder.rungs.length,
  rows: ladder.querySelectorAll(".row").length,
  first: { p50: at(firsts, 0.5), most: firsts.at(-1) },
  append: { p50: at(appends, 0.5), p99: at(appends, 0.99), most: appends.at(-1) },
  scrolled: { p50: at(scrolled, 0.5), p99: at(scrolled, 0.99), most: scrolled.at(-1) },
};
