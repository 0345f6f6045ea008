// Events as rungs, for ladders that grow live. The gateway itself reads the events of one push more closely (it knows the
// octets), and the page of a push draws what it says.

/** @typedef {{seq: number, t: number, from: string, to: string|null, line: string, word: string, note: string, folded: boolean}} Rung */

const STEPS = /^(MESSAGE|INVITE|SEND|POST|GET|DELETE|PUT|Push|ConfirmedPush|submit_sm|deliver_sm|string)\b/;

/** `MESSAGE sip:..` is MESSAGE, `SIP/2.0 200 OK` is 200, `MSRP a1 SEND` is SEND, `POST /pap HTTP/1.1` is POST /pap. */
export function word(what) {
  const [first = "", second = "", third = ""] = what.split("\n")[0].trim().split(/\s+/);
  if (/^(SIP|HTTP)\//.test(first)) return second;
  if (first === "MSRP") return third;
  return second.startsWith("/") ? `${first} ${second}` : first;
}

function alone(event, lane, said, folded = false) {
  return { seq: event.seq, t: event.t, from: lane, to: null, line: "", word: said, note: "", folded };
}

function arrow(event) {
  const said = word(event.what);
  const isAnswer = /^\d{3}$/.test(said);
  // What pages and programs ask the interface is about no push.
  const isOwn = event.line === "http" && event.push === null && (/\s\/(api|web|pap)\b/.test(event.what) || isAnswer);
  const folded = isOwn || (isAnswer ? Number(said) < 300 : !STEPS.test(said));
  return { seq: event.seq, t: event.t, from: event.from, to: event.to, line: event.line, word: said, note: event.push ?? "", folded };
}

/** The rung of an event, or null where it draws none. */
export function rungOf(event) {
  switch (event.ev) {
    case "wire":
      return arrow(event);
    case "sir.decide":
      return alone(event, event.dev, `${event.result}: ${event.reason}${event.conflict ? ", conflict" : ""}`);
    case "prompt":
      return alone(event, event.dev, `prompt: ${event.kind}`);
    case "app.act":
      return alone(event, event.dev, `activate ${event.app}`);
    case "fault.hit":
      return alone(event, "PPG", `fault ${event.rule}: ${event.fault} ${event.what || event.line}${event.dev ? ` ${event.dir === "in" ? "from" : "to"} ${event.dev}` : ""}`);
    case "sir.next":
      return alone(event, "PPG", `${event.dev} by ${event.next}: ${event.bearer} failed, ${event.why}`);
    case "push.rx":
      return alone(event, event.dev, `${event.repeated ? "repeated" : "received"} ${event.push}`, !event.repeated);
    default:
      return null;
  }
}

/** What tells of trouble: refusals, failures, repetitions, faults. */
export function isProblem({ to, word: said }) {
  return to === null ? /^(refuse|fault|repeated)|failed|no answer|conflict/.test(said) : /^[3-6]\d\d$/.test(said);
}
