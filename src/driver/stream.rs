//! Stream links, TCP and TLS: accepting, opening, reading with backpressure, writing through a bounded queue.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use foldhash::fast::FixedState;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::node::{Arrival, stopped};
use super::observe::Counters;
use super::tls::{Tls, server_name};
use crate::limits::{LINK_OCTETS_BUSY, LINK_OCTETS_UNSENT};
use crate::world::{CloseReason, Input, LinkId, ListenerId, Transport};

/// How long opening a link may take, TLS handshake included.
const OPENING: Duration = Duration::from_secs(10);
/// How long a peer may take none of what is written to it.
const STALL: Duration = Duration::from_secs(30);
/// How long a closed link may take to get rid of what was given to it.
const FLUSH: Duration = Duration::from_secs(10);
/// How long a closed link waits for the peer's end, so that no reset overtakes the last octets.
const LINGER: Duration = Duration::from_secs(2);
/// How long a listener rests when the system gives it no more sockets.
const REST: Duration = Duration::from_millis(50);
/// When a silent peer is asked whether it is still there, and how often.
const PROBE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15));
/// Octets asked for at once, at least and at most.
const READ_OCTETS: (usize, usize) = (2 << 10, 64 << 10);
/// Octets put together for one write.
const WRITE_OCTETS: usize = 64 << 10;

/// The node's links.
#[derive(Debug)]
pub(super) struct Links {
    table: HashMap<LinkId, Writer, FixedState>,
    /// Links the node has asked to close, from its asking to its being done.
    closing: HashSet<LinkId, FixedState>,
    shared: Arc<Shared>,
}

/// What all link tasks use.
#[derive(Debug)]
struct Shared {
    inbox: mpsc::Sender<Arrival>,
    tls: Tls,
    room: Arc<Semaphore>,
    limit: u32,
    next: AtomicU64,
    counters: Arc<Counters>,
}

/// The node's end of one link; dropping it closes the link after what was given to it has left.
#[derive(Debug)]
pub(super) struct Writer {
    chunks: mpsc::UnboundedSender<Bytes>,
    load: Arc<Load>,
    cut: oneshot::Sender<()>,
}

/// The task's end of one link.
#[derive(Debug)]
pub(super) struct Orders {
    /// What the node gives to the link; on a WebSocket each is one message.
    pub(super) chunks: mpsc::UnboundedReceiver<Bytes>,
    pub(super) load: Arc<Load>,
    /// The link is to end at once.
    pub(super) cut: oneshot::Receiver<()>,
}

/// What waits on one link.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Octets given to the link that have not left.
    unsent: AtomicUsize,
    /// Octets read from the link that the node has not seen.
    unseen: AtomicUsize,
    relief: Notify,
}

impl Load {
    /// True when the link is to be read no further until what waits has left.
    fn is_high(&self) -> bool {
        let unsent = self.unsent.load(Ordering::Acquire);
        unsent.saturating_add(self.unseen.load(Ordering::Acquire)) > LINK_OCTETS_BUSY
    }

    /// So many octets have left.
    pub(super) fn sent(&self, octets: usize) {
        self.unsent.fetch_sub(octets, Ordering::AcqRel);
        self.relief.notify_one();
    }

    /// So many octets were read, which the node has not seen yet.
    pub(super) fn came(&self, octets: usize) {
        self.unseen.fetch_add(octets, Ordering::AcqRel);
    }

    fn seen(&self, octets: usize) {
        self.unseen.fetch_sub(octets, Ordering::AcqRel);
        self.relief.notify_one();
    }

    /// Waits until there is little enough.
    pub(super) async fn relieved(&self) {
        while self.is_high() {
            self.relief.notified().await;
        }
    }
}

fn channel() -> (Writer, Orders) {
    let (chunks, waiting) = mpsc::unbounded_channel();
    let (cut, is_cut) = oneshot::channel();
    let load = Arc::new(Load::default());
    (
        Writer {
            chunks,
            load: load.clone(),
            cut,
        },
        Orders {
            chunks: waiting,
            load,
            cut: is_cut,
        },
    )
}

/// Where links come in that begin as requests of HTTP.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Shared>);

/// A link that came in there, before the node is told of it.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) link: LinkId,
    pub(super) orders: Orders,
    writer: Writer,
    permit: OwnedSemaphorePermit,
    inbox: mpsc::Sender<Arrival>,
}

impl Gate {
    /// Room for one link; `None` when there is none.
    pub(super) fn enter(&self) -> Option<Passage> {
        let shared = &self.0;
        let Ok(permit) = shared.room.clone().try_acquire_owned() else {
            shared
                .counters
                .links_refused
                .fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let (writer, orders) = channel();
        Some(Passage {
            link: LinkId(shared.next.fetch_add(1, Ordering::Relaxed)),
            orders,
            writer,
            permit,
            inbox: shared.inbox.clone(),
        })
    }
}

impl Passage {
    /// Tells the node of the link; `None` when the node has ended.
    pub(super) async fn tell(self, input: Input) -> Option<Told> {
        let opened = Arrival::Opened {
            link: self.link,
            writer: self.writer,
            input,
        };
        self.inbox.send(opened).await.ok()?;
        Some(Told {
            link: self.link,
            orders: self.orders,
            inbox: self.inbox,
            _permit: self.permit,
        })
    }
}

/// A link of which the node knows.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) link: LinkId,
    pub(super) orders: Orders,
    inbox: mpsc::Sender<Arrival>,
    _permit: OwnedSemaphorePermit,
}

impl Told {
    /// Tells the node something of the link; false when it has ended.
    pub(super) async fn tell(&self, input: Input) -> bool {
        self.inbox.send(Arrival::Input(input)).await.is_ok()
    }
}

impl Links {
    /// Where links come in that begin as requests of HTTP.
    pub(super) fn gate(&self) -> Gate {
        Gate(self.shared.clone())
    }

    /// No links yet, and room for `limit`.
    pub(super) fn new(
        inbox: mpsc::Sender<Arrival>,
        tls: Tls,
        limit: u32,
        counters: Arc<Counters>,
    ) -> Self {
        let room = usize::try_from(limit).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            table: HashMap::default(),
            closing: HashSet::default(),
            shared: Arc::new(Shared {
                inbox,
                tls,
                room: Arc::new(Semaphore::new(room)),
                limit,
                next: AtomicU64::new(LinkId::ACCEPTED),
                counters,
            }),
        }
    }

    /// Starts to accept links at a listener, until `stop` turns true.
    pub(super) fn listen(
        &self,
        id: ListenerId,
        transport: Transport,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) {
        tokio::spawn(listen(self.shared.clone(), id, transport, listener, stop));
    }

    /// A link was accepted: its writer is kept.
    pub(super) fn accepted(&mut self, link: LinkId, writer: Writer) {
        self.table.insert(link, writer);
    }

    /// The node is about to see octets of the link.
    pub(super) fn seen(&self, link: LinkId, octets: usize) {
        if let Some(writer) = self.table.get(&link) {
            writer.load.seen(octets);
        }
    }

    /// True while the node is told of the link.
    pub(super) fn contains(&self, link: LinkId) -> bool {
        self.table.contains_key(&link) && !self.closing.contains(&link)
    }

    /// The node has asked to close the link, which is done later.
    pub(super) fn closes_soon(&mut self, link: LinkId) {
        self.closing.insert(link);
    }

    /// Starts to open a link; the reason when it cannot even be tried.
    pub(super) fn connect(
        &mut self,
        link: LinkId,
        transport: Transport,
        target: SocketAddr,
        name: Option<String>,
    ) -> Result<(), CloseReason> {
        if self.table.contains_key(&link) || transport == Transport::Udp {
            return Err(CloseReason::Refused);
        }
        let Ok(permit) = self.shared.room.clone().try_acquire_owned() else {
            self.shared
                .counters
                .links_refused
                .fetch_add(1, Ordering::Relaxed);
            return Err(CloseReason::Refused);
        };
        let (writer, orders) = channel();
        self.table.insert(link, writer);
        let opening = Opening {
            link,
            transport,
            target,
            name,
        };
        tokio::spawn(connect(self.shared.clone(), opening, orders, permit));
        Ok(())
    }

    /// Gives octets to a link; false when the link was cut off because its peer takes too little.
    pub(super) fn write(&mut self, link: LinkId, octets: Bytes) -> bool {
        let Some(writer) = self.table.get(&link) else {
            // The link is gone and the node is being told so.
            return true;
        };
        let before = writer.load.unsent.fetch_add(octets.len(), Ordering::AcqRel);
        if before.saturating_add(octets.len()) > LINK_OCTETS_UNSENT && before > 0 {
            self.shared
                .counters
                .links_cut
                .fetch_add(1, Ordering::Relaxed);
            if let Some(writer) = self.table.remove(&link) {
                let _ = writer.cut.send(());
            }
            return false;
        }
        // A task that is gone has sent `Closed`, which is on its way.
        let _ = writer.chunks.send(octets);
        true
    }

    /// Closes a link after what was given to it has left.
    pub(super) fn close(&mut self, link: LinkId) {
        self.table.remove(&link);
        self.closing.remove(&link);
    }

    /// How many links the node has.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Closes all links and waits until their octets have left.
    pub(super) async fn finish(&mut self) {
        self.table.clear();
        let all = self.shared.room.acquire_many(self.shared.limit);
        let _ = timeout(FLUSH, all).await;
    }
}

async fn listen(
    shared: Arc<Shared>,
    id: ListenerId,
    transport: Transport,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let Ok(permit) = shared.room.clone().try_acquire_owned() else {
                    // Closing at once tells the peer to go elsewhere.
                    shared
                        .counters
                        .links_refused
                        .fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                tokio::spawn(accept(shared.clone(), id, transport, tcp, peer, permit));
            }
            Err(error) => {
                tracing::warn!(%error, listener = id.0, "no link could be accepted");
                sleep(REST).await;
            }
        }
    }
}

async fn accept(
    shared: Arc<Shared>,
    listener: ListenerId,
    transport: Transport,
    tcp: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    let _ = tune(&tcp);
    let Ok(local) = tcp.local_addr() else { return };
    let link = LinkId(shared.next.fetch_add(1, Ordering::Relaxed));
    let (writer, orders) = channel();
    let input = Input::Opened {
        link,
        listener: Some(listener),
        transport,
        local,
        peer,
    };
    let opened = Arrival::Opened {
        link,
        writer,
        input,
    };
    if transport == Transport::Tls {
        let Some(acceptor) = shared.tls.acceptor() else {
            tracing::warn!(listener = listener.0, "TLS listener without a certificate");
            return;
        };
        match timeout(OPENING, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => {
                if shared.inbox.send(opened).await.is_ok() {
                    let (reader, writer) = tokio::io::split(stream);
                    carry(reader, writer, link, orders, &shared.inbox).await;
                }
            }
            Ok(Err(error)) => {
                shared.counters.tls_failed.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%error, "TLS handshake failed");
            }
            Err(_) => {
                shared.counters.tls_failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    } else if shared.inbox.send(opened).await.is_ok() {
        let (reader, writer) = tcp.into_split();
        carry(reader, writer, link, orders, &shared.inbox).await;
    }
    drop(permit);
}

/// A link the node asked for.
struct Opening {
    link: LinkId,
    transport: Transport,
    target: SocketAddr,
    name: Option<String>,
}

async fn connect(
    shared: Arc<Shared>,
    opening: Opening,
    orders: Orders,
    permit: OwnedSemaphorePermit,
) {
    let link = opening.link;
    let tried = timeout(OPENING, open(&shared.tls, &opening)).await;
    let Ok(Ok((stream, local))) = tried else {
        if let Ok(Err(error)) = tried {
            tracing::debug!(%error, "a link could not be opened");
        }
        closed(&shared.inbox, link, CloseReason::Refused).await;
        return;
    };
    let opened = Arrival::Input(Input::Opened {
        link,
        listener: None,
        transport: opening.transport,
        local,
        peer: opening.target,
    });
    if shared.inbox.send(opened).await.is_err() {
        return;
    }
    match stream {
        Stream::Tcp(tcp) => {
            let (reader, writer) = tcp.into_split();
            carry(reader, writer, link, orders, &shared.inbox).await;
        }
        Stream::Tls(tls) => {
            let (reader, writer) = tokio::io::split(*tls);
            carry(reader, writer, link, orders, &shared.inbox).await;
        }
    }
    drop(permit);
}

enum Stream {
    Tcp(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

async fn open(tls: &Tls, opening: &Opening) -> io::Result<(Stream, SocketAddr)> {
    let tcp = TcpStream::connect(opening.target).await?;
    tune(&tcp)?;
    let local = tcp.local_addr()?;
    if opening.transport != Transport::Tls {
        return Ok((Stream::Tcp(tcp), local));
    }
    let connector = tls
        .connector(opening.target)
        .ok_or_else(|| io::Error::other("no trusted certificates configured"))?;
    let name = server_name(opening.name.as_deref(), opening.target)?;
    let stream = connector.connect(name, tcp).await?;
    Ok((Stream::Tls(Box::new(stream)), local))
}

/// Small messages leave at once, and a peer that vanished is noticed.
fn tune(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let (after, every) = PROBE;
    let probe = TcpKeepalive::new().with_time(after).with_interval(every);
    SockRef::from(tcp).set_tcp_keepalive(&probe)
}

/// How a link came to its end.
enum End {
    Read(CloseReason),
    Wrote(io::Result<()>),
    Cut,
}

/// Carries octets both ways until the link ends.
async fn carry<R, W>(
    mut reader: R,
    writer: W,
    link: LinkId,
    orders: Orders,
    inbox: &mpsc::Sender<Arrival>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Orders {
        mut chunks,
        load,
        cut,
    } = orders;
    let mut writing = pin!(write(writer, &mut chunks, &load));
    // The node's end is dropped to close the link, and sends to cut it at once.
    let over = async {
        if cut.await.is_err() {
            sleep(FLUSH).await;
        }
    };
    let end = tokio::select! {
        why = read(&mut reader, link, &load, inbox) => End::Read(why),
        wrote = &mut writing => End::Wrote(wrote),
        () = over => End::Cut,
    };
    match end {
        End::Read(why) => {
            closed(inbox, link, why).await;
            if why == CloseReason::Peer {
                // It may still read what was written before it ended its side.
                let _ = timeout(FLUSH, writing).await;
            }
        }
        End::Wrote(Ok(())) => {
            let _ = timeout(LINGER, discard(reader)).await;
        }
        End::Wrote(Err(_)) => closed(inbox, link, CloseReason::Broken).await,
        End::Cut => {}
    }
}

async fn closed(inbox: &mpsc::Sender<Arrival>, link: LinkId, why: CloseReason) {
    let _ = inbox
        .send(Arrival::Input(Input::Closed { link, why }))
        .await;
}

async fn read<R: AsyncRead + Unpin>(
    reader: &mut R,
    link: LinkId,
    load: &Load,
    inbox: &mpsc::Sender<Arrival>,
) -> CloseReason {
    let (least, most) = READ_OCTETS;
    let mut room = least;
    let mut octets = BytesMut::new();
    loop {
        // Waiting here, and for the node's queue below, stops the reading: the peer feels that we are busy.
        load.relieved().await;
        octets.reserve(room);
        match reader.read_buf(&mut octets).await {
            Ok(0) => return CloseReason::Peer,
            Ok(count) => {
                if count >= room {
                    room = room.saturating_mul(2).min(most);
                } else if count < room / 4 {
                    room = (room / 2).max(least);
                }
                let input = Input::Octets {
                    link,
                    octets: octets.split().freeze(),
                };
                load.came(count);
                if inbox.send(Arrival::Input(input)).await.is_err() {
                    return CloseReason::Broken;
                }
            }
            // TLS without a farewell: the peer just went.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return CloseReason::Peer;
            }
            Err(_) => return CloseReason::Broken,
        }
    }
}

/// Writes what the node gives until its end is dropped, then ends our side of the link.
async fn write<W: AsyncWrite + Unpin>(
    mut writer: W,
    chunks: &mut mpsc::UnboundedReceiver<Bytes>,
    load: &Load,
) -> io::Result<()> {
    let mut joined = BytesMut::new();
    while let Some(mut chunk) = chunks.recv().await {
        joined.clear();
        // Small chunks that wait together leave together.
        while chunk.len().saturating_add(joined.len()) < WRITE_OCTETS {
            let Ok(next) = chunks.try_recv() else { break };
            joined.extend_from_slice(&chunk);
            chunk = next;
        }
        if !joined.is_empty() {
            write_all(&mut writer, &joined, load).await?;
        }
        write_all(&mut writer, &chunk, load).await?;
        if chunks.is_empty() {
            writer.flush().await?;
        }
    }
    writer.shutdown().await
}

async fn write_all<W: AsyncWrite + Unpin>(
    writer: &mut W,
    octets: &[u8],
    load: &Load,
) -> io::Result<()> {
    for part in octets.chunks(WRITE_OCTETS) {
        timeout(STALL, writer.write_all(part))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        load.sent(part.len());
    }
    Ok(())
}

async fn discard<R: AsyncRead + Unpin>(mut reader: R) {
    let mut scratch = [0; 1024];
    while matches!(reader.read(&mut scratch).await, Ok(count) if count > 0) {}
}
