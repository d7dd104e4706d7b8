//! The head of a CGI answer (RFC 3875, section 6).

use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head.
const MAX_HEAD: usize = 16 * 1024;

/// Reads the head; gives it and what was read of the body already.
pub(super) async fn head(from: &mut (impl AsyncRead + Unpin)) -> Result<(Response<()>, Vec<u8>), String> {
    let mut bytes = Vec::new();
    loop {
        if let Some((end, body)) = end(&bytes) {
            let response = parse(&bytes[..end])?;
            return Ok((response, bytes.split_off(body)));
        }
        if bytes.len() > MAX_HEAD {
            return Err("its head is too long".to_owned());
        }
        let read = from.read_buf(&mut bytes).await.map_err(|e| e.to_string())?;
        if read == 0 {
            return Err("it ended without an answer".to_owned());
        }
    }
}

/// Where the head ends and the body begins.
fn end(bytes: &[u8]) -> Option<(usize, usize)> {
    let find = |mark: &[u8]| bytes.windows(mark.len()).position(|w| w == mark).map(|at| (at, at + mark.len()));
    [find(b"\r\n\r\n"), find(b"\n\n")].into_iter().flatten().min()
}

fn parse(head: &[u8]) -> Result<Response<()>, String> {
    let mut response = Response::new(());
    for line in String::from_utf8_lossy(head).lines() {
        let odd = || format!("its head has the line `{line}`");
        let (name, value) = line.split_once(':').ok_or_else(odd)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.get(..3).and_then(|code| code.parse().ok()).ok_or_else(odd)?;
            *response.status_mut() = code;
            continue;
        }
        let name: HeaderName = name.parse().map_err(|_| odd())?;
        response.headers_mut().append(name, HeaderValue::from_str(value).map_err(|_| odd())?);
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err("it wants another protocol".to_owned());
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_in_pieces_is_read_and_the_body_left() {
        let mut from = tokio_util::io::StreamReader::new(futures::stream::iter(
            ["Status: 404 Not Found\r\nContent-Ty", "pe: text/plain\r\n\r", "\nbody\n\n", "rest"]
                .map(|part| Ok::<_, std::io::Error>(part.as_bytes())),
        ));
        let (head, body) = head(&mut from).await.unwrap();
        assert_eq!((head.status(), &head.headers()["content-type"]), (StatusCode::NOT_FOUND, &HeaderValue::from_static("text/plain")));
        assert_eq!(body, b"body\n\n");
    }

    #[tokio::test]
    async fn an_answer_without_a_head_is_an_error() {
        assert!(head(&mut &b"no head"[..]).await.is_err());
        assert!(head(&mut &b"what\n\n"[..]).await.is_err());
        assert!(head(&mut &vec![b'a'; 100_000][..]).await.is_err());
    }
}
