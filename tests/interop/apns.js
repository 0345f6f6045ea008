// A sender of APNs made of @parse/node-apn of npm: node apns.js PORT ROOTS KEY TOPIC TOKEN...
// Each token is sent one notification, one after the other; what comes of each is told as a line of JSON.
'use strict';
const fs = require('fs');
const apn = require('@parse/node-apn');
const [port, roots, key, topic, ...tokens] = process.argv.slice(2);

(async () => {
  const provider = new apn.Provider({
    token: { key, keyId: 'ABC123DEFG', teamId: 'TEAM567890' },
    address: 'localhost',
    port: Number(port),
    ca: fs.readFileSync(roots),
    production: false,
  });
  for (const token of tokens) {
    const note = new apn.Notification({ topic, alert: 'new mail', badge: 1, collapseId: 'inbox' });
    const result = await provider.send(note, token);
    const failed = result.failed.map(({ status, response }) => ({ status: Number(status), reason: response && response.reason }));
    console.log(JSON.stringify({ sent: result.sent.length, failed }));
  }
  await provider.shutdown();
})();
