//! The answer to one question, read from the packets of the text protocol: rows are slices of the buffer that they arrived in.
//!
//! <https://mariadb.com/docs/server/reference/clientserver-protocol>, "Result set packets".

use super::wire::{Lent, Wire};
use mysql_async::{DriverError, Error, IoError, Row, ServerError, Value};
use std::io;

/// What is read at once. Grows for a longer packet, and shrinks behind it.
const BUFFER: usize = 256 << 10;
const HEADER: usize = 4;
/// A packet of this length goes on in the next one.
const FULL: usize = 0xff_ffff;
/// The largest row that servers send (`max_allowed_packet`), and what else may be here.
const MOST: usize = (1 << 30) + 2 * BUFFER;
const QUERY: u8 = 3;
const ERROR: u8 = 0xff;
/// Of what ends the rows, and of a value's length in eight bytes.
const END: u8 = 0xfe;
const NULL: u8 = 0xfb;
/// The server wants a file of ours.
const FILE: u8 = 0xfb;
const MORE_RESULTS: u16 = 8;

/// The values of a row, in the order of its columns; `None` is NULL. Ends early where a row is damaged.
pub trait Cells: Copy {
    fn cells(&self) -> impl Iterator<Item = Option<&[u8]>>;
}

/// A row as it came.
#[derive(Debug, Clone, Copy)]
pub struct RawRow<'a>(&'a [u8]);

impl Cells for RawRow<'_> {
    fn cells(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut rest = self.0;
        std::iter::from_fn(move || cell(&mut rest))
    }
}

/// A row as the driver tells it, by the text protocol.
impl Cells for &Row {
    fn cells(&self) -> impl Iterator<Item = Option<&[u8]>> {
        (0..self.len()).map_while(|index| match self.as_ref(index)? {
            Value::Bytes(bytes) => Some(Some(&bytes[..])),
            Value::NULL => Some(None),
            // It has no others.
            _ => None,
        })
    }
}

#[inline]
fn cell<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (first, others) = rest.split_first()?;
    if *first == NULL {
        *rest = others;
        return Some(None);
    }
    let length = usize::try_from(length(rest)?).ok()?;
    let (value, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(Some(value))
}

/// An integer in front of `rest`, of one, three, four or nine bytes.
#[inline]
fn length(rest: &mut &[u8]) -> Option<u64> {
    let (first, others) = rest.split_first()?;
    let bytes = match *first {
        short if short < NULL => {
            *rest = others;
            return Some(short.into());
        }
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        _ => return None,
    };
    let (number, behind) = others.split_at_checked(bytes)?;
    *rest = behind;
    Some(number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// Rows on their way. Dropped before its end it ends the connection.
pub struct Rows {
    lent: Option<Lent>,
    buffer: Buffer,
    /// Read already.
    first: Option<Span>,
}

impl Rows {
    /// Asks `sql`, and reads up to the first row.
    ///
    /// # Errors
    /// The server's word, or the connection's end.
    pub async fn of(wire: &mut Wire, sql: &str) -> Result<Rows, Error> {
        let lent = wire.lend().await.ok_or(Error::Driver(DriverError::ConnectionClosed))?;
        Rows::on(lent, sql).await
    }

    async fn on(lent: Lent, sql: &str) -> Result<Rows, Error> {
        let mut rows = Rows { lent: Some(lent), buffer: Buffer::new(), first: None };
        rows.ask(sql).await?;
        rows.head().await?;
        Ok(rows)
    }

    async fn ask(&mut self, sql: &str) -> Result<(), Error> {
        let length = u32::try_from(sql.len() + 1).ok().filter(|length| (*length as usize) < FULL);
        let length = length.ok_or_else(|| broken("the question is too long"))?.to_le_bytes();
        let packet = [&[length[0], length[1], length[2], 0, QUERY], sql.as_bytes()].concat();
        let Some(lent) = &mut self.lent else { return Err(closed()) };
        lent.write_all(&packet).await.map_err(io_error)
    }

    /// The number of columns, and what they are: that is known already.
    async fn head(&mut self) -> Result<(), Error> {
        let first = self.packet().await?;
        let mut head = self.buffer.packet(first);
        match head.first() {
            Some(&ERROR) => return Err(self.refused(first)),
            None | Some(&(0 | FILE)) => return Err(broken("no rows where some were asked for")),
            _ => {}
        }
        let columns = length(&mut head).ok_or_else(|| broken("an unreadable number of columns"))?;
        // MariaDB's word for whether it describes them, to those that might know them by heart.
        if head.first().is_none_or(|described| *described == 1) {
            for _ in 0..columns {
                self.packet().await?;
            }
        }
        // An end of the descriptions of its own is what older servers send.
        let next = self.packet().await?;
        let packet = self.buffer.packet(next);
        if !(packet.len() == 5 && packet[0] == END) {
            self.first = Some(next);
        }
        Ok(())
    }

    /// The next row; `None` behind the last one, when the connection is the driver's again.
    ///
    /// # Errors
    /// The server's word, after which the connection is the driver's again, or the connection's end.
    pub async fn next(&mut self) -> Result<Option<RawRow<'_>>, Error> {
        let next = match self.first.take().or_else(|| self.buffer.complete()) {
            Some(next) => next,
            None => self.packet().await?,
        };
        let packet = self.buffer.packet(next);
        match packet.first() {
            Some(&ERROR) => Err(self.refused(next)),
            Some(&END) if packet.len() < FULL => {
                let status = packet.get(3..5).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
                if status & MORE_RESULTS != 0 {
                    return Err(broken("more than was asked for"));
                }
                self.give_back()?;
                Ok(None)
            }
            _ => Ok(Some(RawRow(self.buffer.packet(next)))),
        }
    }

    /// The server's error ends its answer.
    fn refused(&mut self, at: Span) -> Error {
        let error = server_error(self.buffer.packet(at));
        self.give_back().err().unwrap_or(error)
    }

    fn give_back(&mut self) -> Result<(), Error> {
        if !self.buffer.is_empty() {
            return Err(broken("more than an answer"));
        }
        if let Some(lent) = self.lent.take() {
            lent.give_back();
        }
        Ok(())
    }

    /// Waits for a whole packet.
    async fn packet(&mut self) -> Result<Span, Error> {
        loop {
            if let Some(packet) = self.buffer.complete() {
                return Ok(packet);
            }
            let Some(lent) = &mut self.lent else { return Err(closed()) };
            if self.buffer.pending() > MOST {
                return Err(broken("a row beyond what the protocol has"));
            }
            let read = lent.read(self.buffer.room()).await.map_err(io_error)?;
            if read == 0 {
                return Err(closed());
            }
            self.buffer.filled += read;
        }
    }
}

/// Where a packet's content is in the buffer.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
}

struct Buffer {
    bytes: Vec<u8>,
    /// Everything before it is of no more use.
    taken: usize,
    filled: usize,
    /// Of a packet that goes on in others: how much of its content, without their headers, is behind `taken` and its header.
    joined: usize,
}

impl Buffer {
    fn new() -> Buffer {
        Buffer { bytes: vec![0; BUFFER], taken: 0, filled: 0, joined: 0 }
    }

    fn pending(&self) -> usize {
        self.filled - self.taken
    }

    fn is_empty(&self) -> bool {
        self.taken == self.filled
    }

    fn packet(&self, span: Span) -> &[u8] {
        &self.bytes[span.from..span.to]
    }

    /// Takes the next packet, if it is here as a whole.
    #[inline]
    fn complete(&mut self) -> Option<Span> {
        loop {
            let begun = self.taken + if self.joined > 0 { HEADER + self.joined } else { 0 };
            let header = self.bytes[begun..self.filled].first_chunk::<HEADER>()?;
            let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
            let end = begun + HEADER + length;
            if self.filled < end {
                return None;
            }
            if self.joined == 0 && length < FULL {
                let span = Span { from: self.taken + HEADER, to: end };
                self.taken = end;
                return Some(span);
            }
            if self.joined > 0 {
                // Its content closes up to what came before, over its header.
                self.bytes.copy_within(begun + HEADER..self.filled, begun);
                self.filled -= HEADER;
            }
            self.joined += length;
            if length < FULL {
                let from = self.taken + HEADER;
                let span = Span { from, to: from + self.joined };
                self.taken = span.to;
                self.joined = 0;
                return Some(span);
            }
        }
    }

    /// Where the next bytes go.
    fn room(&mut self) -> &mut [u8] {
        if self.taken > 0 {
            self.bytes.copy_within(self.taken..self.filled, 0);
            self.filled -= self.taken;
            self.taken = 0;
        }
        let least = self.filled + BUFFER / 2;
        if self.bytes.len() < least {
            self.bytes.resize(least.max(self.bytes.len() * 3 / 2), 0);
        } else if self.bytes.len() > BUFFER && least <= BUFFER {
            self.bytes.truncate(BUFFER);
            self.bytes.shrink_to_fit();
        }
        &mut self.bytes[self.filled..]
    }
}

fn server_error(packet: &[u8]) -> Error {
    let code = packet.get(1..3).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
    let told = packet.get(3..).unwrap_or_default();
    let (state, message) = match told.split_first_chunk::<6>() {
        Some((state, message)) if state[0] == b'#' => (&state[1..], message),
        _ => (&b"HY000"[..], told),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Error::Server(ServerError { code, message: text(message), state: text(state) })
}

fn io_error(error: io::Error) -> Error {
    Error::Io(IoError::Io(error))
}

fn closed() -> Error {
    Error::Driver(DriverError::ConnectionClosed)
}

/// What a row that ends early means.
pub fn damaged() -> Error {
    broken("a row without all of its values")
}

/// The server says what no server should.
fn broken(what: &str) -> Error {
    io_error(io::Error::new(io::ErrorKind::InvalidData, format!("its answer cannot be read: {what}")))
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
