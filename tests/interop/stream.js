// The event stream, cut into single octets, with a gap in it, and broken off: returns what was told and where it went on.
// The body of a function that may await.
const { EventStream } = await import("/web/console/stream.js");
const text = [
  'id: 7\ndata: {"seq":7,"ev":"a"}\n\n',
  'event: gap\ndata: {"schema":"sirgate.gap/1","missed":12}\n\n',
  'id: 20\ndata: {"seq":20,"ev":"b"}\n\n',
  ": alive\n\n",
  'id: 21\ndata: {"seq":21,"ev":"half',
].join("");
const plain = globalThis.fetch;
const asked = [];
const told = [];
const cut = () =>
  new ReadableStream({
    start(controller) {
      for (const octet of new TextEncoder().encode(text)) controller.enqueue(Uint8Array.of(octet));
      controller.close();
    },
  });
const again = new Promise((resume) => {
  globalThis.fetch = async (path, options) => {
    if (!String(path).endsWith("/events")) return plain(path, options);
    asked.push(options.headers["last-event-id"]);
    if (asked.length === 1) return new Response(cut(), { headers: { "content-type": "text/event-stream" } });
    if (asked.length === 2) return new Response(JSON.stringify({ cursor: 5 }), { status: 400 });
    resume();
    return new Promise(() => {});
  };
});
const stream = new EventStream({ take: (events) => told.push(...events.map(({ seq }) => seq)), gap: (missed, why) => told.push(`${missed} ${why}`) });
stream.cursor = 3;
void stream.run();
await again;
stream.stop();
globalThis.fetch = plain;
return { told, asked };
