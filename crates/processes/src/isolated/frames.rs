//! What node and child say to each other: JSON, each piece with its length before it.
//!
//! ```text
//! node  ──▶  Recipe                Order                Order …          (the child's standard input)
//! child ──▶        Answer::Ready         Answer::Made        Answer …    (its former standard output)
//! ```

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    time::Duration,
};

use euterpe_actors::ids::{EntityId, InputName};
use euterpe_actors::outcome::Fault;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use euterpe_actors::transform::OpenContext;

/// The longest piece that is read, in bytes.
const LONGEST: u32 = 16 << 20;

/// Which transform a child opens, and within which limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recipe {
    /// Its name in the registry.
    pub transform: String,
    /// What stands under `with:`.
    pub with: Value,
    /// The job that it is opened for.
    pub context: OpenContext,
    /// How much memory it may take beyond what the child has at its start, in bytes.
    pub memory: Option<u64>,
}

/// The work on one entity, with files where there were bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub entity: EntityId,
    pub inputs: Vec<OrderInput>,
    pub suffixes: Vec<String>,
    /// Made by the node, and removed by it.
    pub scratch: PathBuf,
    pub attempt: u32,
    pub timeout: Duration,
}

/// One input of an order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OrderInput {
    pub name: InputName,
    pub path: String,
    pub file: PathBuf,
    pub size: u64,
}

/// What a child answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The transform is open.
    Ready,
    /// The outputs, the primary first.
    Made(Vec<PathBuf>),
    /// It did not make them.
    Fault(Fault),
}

fn encode(piece: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, piece)?;
    let length = u32::try_from(frame.len() - 4).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("a piece is too long for the pipe to a child process"))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

fn length_of(head: [u8; 4]) -> io::Result<usize> {
    match u32::from_le_bytes(head) {
        length if length <= LONGEST => Ok(length as usize),
        length => Err(io::Error::new(io::ErrorKind::InvalidData, format!("a piece of {length} bytes in the pipe"))),
    }
}

/// Sends a piece to the child.
pub(super) async fn send(pipe: &mut (impl AsyncWrite + Unpin), piece: &impl Serialize) -> io::Result<()> {
    pipe.write_all(&encode(piece)?).await?;
    pipe.flush().await
}

/// Receives a piece from the child; an end of the pipe is an error.
pub(super) async fn receive<T: DeserializeOwned>(pipe: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let mut head = [0; 4];
    pipe.read_exact(&mut head).await?;
    let mut body = vec![0; length_of(head)?];
    pipe.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}

/// Writes a piece to the node.
pub(super) fn write(pipe: &mut impl Write, piece: &impl Serialize) -> io::Result<()> {
    pipe.write_all(&encode(piece)?)?;
    pipe.flush()
}

/// Reads a piece from the node; none at the end of the pipe.
pub(super) fn read<T: DeserializeOwned>(pipe: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match pipe.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut body = vec![0; length_of(head)?];
    pipe.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_comes_out_as_it_went_in_and_the_end_of_the_pipe_is_no_error() {
        let mut pipe = Vec::new();
        write(&mut pipe, &Answer::Made(vec!["a/b".into()])).expect("written");
        write(&mut pipe, &Answer::Fault(Fault::bad_input("silence"))).expect("written");
        let mut pipe = pipe.as_slice();
        let made = read::<Answer>(&mut pipe).expect("read");
        assert!(matches!(made, Some(Answer::Made(paths)) if paths == [PathBuf::from("a/b")]));
        let fault = read::<Answer>(&mut pipe).expect("read");
        assert!(matches!(fault, Some(Answer::Fault(fault)) if fault == Fault::bad_input("silence")));
        assert!(read::<Answer>(&mut pipe).expect("the end").is_none());
    }

    #[test]
    fn a_length_that_lies_is_refused_before_room_is_made_for_it() {
        let error = read::<Answer>(&mut [0xff; 64].as_slice()).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
