// A message centre made of smpp of npm: node smsc.js PORT NAME PASSWORD [throttle|drop ...]
// Each submission takes one fault from the list, or is accepted; everything is told as a line of JSON.
'use strict';
const smpp = require('smpp');
const [port, name, password, ...faults] = process.argv.slice(2);
const tell = (what) => console.log(JSON.stringify(what));
let accepted = 0;

const server = smpp.createServer((session) => {
  session.on('error', (error) => tell({ error: String(error) }));
  session.on('close', () => tell({ closed: true }));
  for (const command of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(command, (pdu) => {
      const status = pdu.system_id !== name ? smpp.ESME_RINVSYSID : pdu.password !== password ? smpp.ESME_RINVPASWD : smpp.ESME_ROK;
      tell({ bind: command, system_id: pdu.system_id, status });
      session.send(pdu.response({ command_status: status, system_id: 'npm' }));
    });
  }
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    const fault = faults.shift() || 'none';
    const { udh, message } = pdu.short_message;
    tell({
      submit: fault,
      to: pdu.destination_addr,
      from: pdu.source_addr,
      coding: pdu.data_coding,
      receipt: pdu.registered_delivery,
      udh: (udh || []).map((element) => Buffer.from(element).toString('hex')),
      message: Buffer.from(message).toString('hex'),
    });
    if (fault === 'throttle') return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    if (fault === 'drop') return session.destroy();
    const message_id = `npm-${++accepted}`;
    session.send(pdu.response({ message_id }));
    const receipt = {
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
      short_message: `id:${message_id} sub:001 dlvrd:001 submit date:2611212000 done date:2611212001 stat:DELIVRD err:000 text:`,
    };
    session.deliver_sm(receipt, (answer) => tell({ receipt: answer.command_status, of: message_id }));
  });
});
server.listen(Number(port), '127.0.0.1', () => tell({ listening: true }));
