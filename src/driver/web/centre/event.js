// What the parts of the message centre tell, for pages that want to know and for tests: one CustomEvent named `sirgate`
// a fact, with `detail.ev` as the event log of the gateway names it (mc.route, mc.store, mc.clear, mc.drop, badge.set,
// poll.req, poll.rsp).

/** Tells facts to whoever listens. */
export class Facts extends EventTarget {
  /**
   * @param {string} ev the name of the fact
   * @param {object} fields what belongs to it
   */
  tell(ev, fields = {}) {
    this.dispatchEvent(new CustomEvent("sirgate", { detail: { ev, ...fields } }));
  }
}
