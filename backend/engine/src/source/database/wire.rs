//! The connection beneath the driver. The driver connects through a relay in this process, signs in and asks what there is to ask; between
//! its questions the relay lends the server's own stream, so that the rows of whole tables are read from the packets themselves
//! ([`super::packets`]): same session, same transaction, and a fifth of the work.
//!
//! What the driver sends is what the server gets, so that every method to sign in works as without a relay. Encrypted connections have
//! none: there the driver reads the rows.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// What the relay carries at once; questions and their answers are small.
const BUFFER: usize = 16 << 10;

/// What carries bytes to the server or to the driver.
#[derive(Debug)]
pub enum Stream {
    Socket(UnixStream),
    Tcp(TcpStream),
}

/// Where the server listens.
#[derive(Debug, Clone)]
pub enum Target {
    Socket(PathBuf),
    Tcp { host: String, port: u16 },
}

/// Asks the relay for the server's stream.
#[derive(Debug)]
pub struct Wire {
    requests: mpsc::Sender<oneshot::Sender<Lent>>,
}

/// The server's stream, on loan. Unless it is given back, the connection ends: nobody else could tell what comes next on it.
///
/// It is not known to the runtime meanwhile. A server sends 16 KiB at a time, and to be told of each of them costs more than to read it: who
/// comes back a little later finds more at once.
#[derive(Debug)]
pub struct Lent {
    /// Does not block.
    socket: Socket,
    back: oneshot::Sender<Socket>,
    /// How much the last read brought.
    brought: usize,
    /// Since others had their turn.
    waited: Duration,
}

#[derive(Debug)]
pub enum Socket {
    Socket(std::os::unix::net::UnixStream),
    Tcp(std::net::TcpStream),
}

/// A read that brought more is one of many.
const BULK: usize = 8 << 10;
/// How long to wait in place, in microseconds. Longer than all of them waits the runtime.
const WAITS: [u64; 5] = [50, 100, 200, 200, 200];
/// After so much of it others have their turn.
const IN_PLACE: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(10);

impl Lent {
    /// With where it comes back.
    pub fn new(socket: Socket) -> (Lent, oneshot::Receiver<Socket>) {
        let (back, returned) = oneshot::channel();
        (Lent { socket, back, brought: 0, waited: Duration::ZERO }, returned)
    }

    /// Ends the loan. What was asked for has been read to its end.
    pub fn give_back(self) {
        // Without a relay the connection is over, which whoever asks next is told.
        let _ = self.back.send(self.socket);
    }

    /// Waits for bytes; 0 when the server has ended the connection.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let begin = if self.brought >= BULK { 2 } else { 0 };
        self.brought = again(&mut self.waited, begin, || match &mut self.socket {
            Socket::Socket(socket) => socket.read(buffer),
            Socket::Tcp(socket) => socket.read(buffer),
        })
        .await?;
        Ok(self.brought)
    }

    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = again(&mut self.waited, 0, || match &mut self.socket {
                Socket::Socket(socket) => socket.write(bytes),
                Socket::Tcp(socket) => socket.write(bytes),
            })
            .await?;
            bytes = bytes.get(written..).filter(|_| written > 0).ok_or(io::ErrorKind::WriteZero)?;
        }
        Ok(())
    }
}

/// Tries until it does not block, with longer waits between; `begin` leaves out the first ones.
async fn again(
    waited: &mut Duration,
    begin: usize,
    mut attempt: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    // However quick the server is, others have their turn, and a pass that is cancelled ends.
    tokio::task::consume_budget().await;
    if *waited >= IN_PLACE {
        *waited = Duration::ZERO;
        tokio::task::yield_now().await;
    }
    let mut waits = WAITS.iter().skip(begin);
    let mut longer = Duration::from_millis(1);
    loop {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => match waits.next() {
                Some(micros) => {
                    let wait = Duration::from_micros(*micros);
                    std::thread::sleep(wait);
                    *waited += wait;
                }
                None => {
                    tokio::time::sleep(longer).await;
                    longer = (longer * 2).min(LONGEST_WAIT);
                }
            },
            result => return result,
        }
    }
}

impl Stream {
    fn into_socket(self) -> io::Result<Socket> {
        Ok(match self {
            Stream::Socket(stream) => Socket::Socket(stream.into_std()?),
            Stream::Tcp(stream) => Socket::Tcp(stream.into_std()?),
        })
    }

    fn of(socket: Socket) -> io::Result<Stream> {
        Ok(match socket {
            Socket::Socket(socket) => Stream::Socket(UnixStream::from_std(socket)?),
            Socket::Tcp(socket) => Stream::Tcp(TcpStream::from_std(socket)?),
        })
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(stream) => stream.read(buffer).await,
            Stream::Tcp(stream) => stream.read(buffer).await,
        }
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Socket(stream) => stream.write_all(bytes).await,
            Stream::Tcp(stream) => stream.write_all(bytes).await,
        }
    }
}

impl Wire {
    /// Connects to the server. With the wire comes where the driver is to connect instead; it is of the same kind as the server's own
    /// place, since drivers send passwords through a socket that they would not send over a network.
    ///
    /// # Errors
    /// Why the server cannot be reached. `Ok(None)` when there can be no relay.
    pub async fn open(target: &Target) -> io::Result<Option<(Wire, Target)>> {
        let server = match target {
            Target::Socket(path) => Stream::Socket(UnixStream::connect(path).await?),
            Target::Tcp { host, port } => Stream::Tcp(connect(host, *port).await?),
        };
        let (entrance, door) = match Entrance::make(target).await {
            Ok(made) => made,
            Err(error) => {
                tracing::debug!(%error, "no relay to the store's database; rows are read by the driver");
                return Ok(None);
            }
        };
        let (requests, asked) = mpsc::channel(1);
        tokio::spawn(relay(entrance, server, asked));
        Ok(Some((Wire { requests }, door)))
    }

    /// Waits until the connection has ended, after the driver has taken its leave.
    pub async fn ended(self) {
        self.requests.closed().await;
    }

    /// The server's stream, while the driver has no question open. `None` when the connection has ended.
    pub async fn lend(&mut self) -> Option<Lent> {
        let (reply, lent) = oneshot::channel();
        self.requests.send(reply).await.ok()?;
        lent.await.ok()
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
    rustix::net::sockopt::set_tcp_keepidle(&stream, KEEP_ALIVE)?;
    Ok(stream)
}

/// A door that is open for one.
enum Entrance {
    Socket {
        listener: UnixListener,
        /// Nobody else may enter it, and it goes with the entrance.
        _dir: tempfile::TempDir,
    },
    /// Stays open as long as the connection, so that nobody else can listen there.
    Port(TcpListener),
}

impl Entrance {
    async fn make(target: &Target) -> io::Result<(Entrance, Target)> {
        match target {
            Target::Socket(_) => {
                let private = std::fs::Permissions::from_mode(0o700);
                let dir = tempfile::Builder::new().prefix("storekeep-").permissions(private).tempdir()?;
                let path = dir.path().join("s");
                let listener = UnixListener::bind(&path)?;
                Ok((Entrance::Socket { listener, _dir: dir }, Target::Socket(path)))
            }
            Target::Tcp { .. } => {
                // Without it nobody could tell who comes in.
                std::fs::File::open(TCP_CONNECTIONS)?;
                let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                let port = listener.local_addr()?.port();
                Ok((Entrance::Port(listener), Target::Tcp { host: "127.0.0.1".into(), port }))
            }
        }
    }

    /// The first of this user's own programs that comes in.
    async fn driver(&self) -> io::Result<Stream> {
        match self {
            Entrance::Socket { listener, .. } => Ok(Stream::Socket(listener.accept().await?.0)),
            Entrance::Port(listener) => loop {
                let (stream, peer) = listener.accept().await?;
                if is_ours(&std::fs::read_to_string(TCP_CONNECTIONS)?, peer) {
                    stream.set_nodelay(true)?;
                    return Ok(Stream::Tcp(stream));
                }
            },
        }
    }
}

/// Every connection of the machine by IPv4, with its user.
const TCP_CONNECTIONS: &str = "/proc/self/net/tcp";

/// Whether the connection that comes from `peer` is of the user that runs this program.
fn is_ours(connections: &str, peer: SocketAddr) -> bool {
    let SocketAddr::V4(peer) = peer else { return false };
    // The address as a number in the machine's own order, the port as one in the usual order.
    let from = format!("{:08X}:{:04X}", u32::from_ne_bytes(peer.ip().octets()), peer.port());
    let own = rustix::process::geteuid().as_raw().to_string();
    connections.lines().any(|line| {
        // sl, local address, remote address, state, queues, timer, retransmissions, uid
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(&from) && fields.nth(5) == Some(&own)
    })
}

/// Carries what either side says to the other, and lends the server's stream, until one of the two is gone.
async fn relay(entrance: Entrance, mut server: Stream, mut asked: mpsc::Receiver<oneshot::Sender<Lent>>) {
    let mut driver = tokio::select! {
        driver = entrance.driver() => match driver {
            Ok(driver) => driver,
            Err(error) => return tracing::debug!(%error, "the relay's door is closed"),
        },
        // Nobody lends before the driver is there: it has given up connecting.
        _ = asked.recv() => return,
    };
    let _kept = match entrance {
        Entrance::Port(listener) => Some(listener),
        Entrance::Socket { .. } => None,
    };
    let (mut said, mut answered) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut lends = true;
    loop {
        let carried = tokio::select! {
            read = driver.read(&mut said) => carry(read, &said, &mut server).await,
            read = server.read(&mut answered) => carry(read, &answered, &mut driver).await,
            reply = asked.recv(), if lends => match reply {
                Some(reply) => match lend(server, reply).await {
                    Some(stream) => {
                        server = stream;
                        true
                    }
                    None => return,
                },
                None => {
                    lends = false;
                    true
                }
            },
        };
        if !carried {
            return;
        }
    }
}

/// Waits until the loan ends; `None` when it does not come back.
async fn lend(server: Stream, reply: oneshot::Sender<Lent>) -> Option<Stream> {
    let (lent, returned) = Lent::new(server.into_socket().ok()?);
    // Nobody waits for it any more: then it goes, and does not come back.
    drop(reply.send(lent));
    Stream::of(returned.await.ok()?).ok()
}

/// Hands on what was read; false when either side has ended.
async fn carry(read: io::Result<usize>, bytes: &[u8], to: &mut Stream) -> bool {
    match read {
        Ok(0) | Err(_) => false,
        Ok(count) => to.write_all(&bytes[..count]).await.is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_user_is_let_in() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_held, peer) = listener.accept().unwrap();
        assert_eq!(peer, ours.local_addr().unwrap());
        let connections = std::fs::read_to_string(TCP_CONNECTIONS).unwrap();
        assert!(is_ours(&connections, peer));
        assert!(!is_ours(&connections, "127.0.0.1:1".parse().unwrap()), "nobody");
        let own = format!("{:5}        0 ", rustix::process::geteuid().as_raw());
        assert!(connections.contains(&own));
        assert!(!is_ours(&connections.replace(&own, " 4242        0 "), peer), "somebody else");
    }
}
