//! Any bytes at all from the server, and any request to it.
//!
//! ```text
//! hostile  the bytes of answers: good ones, bent ones, noise
//! reading  what the readers make of them, without a socket
//! cuts     the same, however the bytes are cut into reads
//! peers    the same as hyper's client, or a refusal that has a name
//! sockets  the whole client: no hang, no connection that is used again with something left on it
//! requests what arrives is one request
//! unsent   what the server has seen nothing of may go to another
//! ```

mod cuts;
mod hostile;
mod peers;
mod reading;
mod requests;
mod sockets;
mod unsent;
