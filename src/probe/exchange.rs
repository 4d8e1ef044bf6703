//! One HTTP/1.1 request over any stream, read into an [`Answer`].

use super::answer::{Answer, Body, Failure, cut, envoy_flag};
use crate::model::trace::HopName;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, LOCATION, SERVER};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};

/// So much of a body is read.
const LONGEST_BODY: usize = 256 << 10;

/// GET `path` with that Host header. `nearest` is the proxy that the stream leads to. The caller
/// keeps the time.
pub async fn get<S>(stream: S, (host, path): (&str, &str), nearest: HopName) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let began = Instant::now();
    let mut answer = match ask(stream, host, path).await {
        Ok((response, body)) => read(&response, &body, nearest),
        Err(failure) => Answer {
            failure: Some(failure),
            ..Answer::default()
        },
    };
    answer.took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    answer
}

async fn ask<S>(
    stream: S,
    host: &str,
    path: &str,
) -> Result<(http::response::Parts, Vec<u8>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| failed(&e))?;
    let request = Request::get(path)
        .header(HOST, host)
        .header("user-agent", "kubectl-egress")
        .header("accept", "*/*")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|e| Failure::Other {
            words: e.to_string(),
        })?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        Ok(drain(response).await)
    };
    tokio::pin!(connection, exchange);
    tokio::select! {
        answered = &mut exchange => answered,
        _ = &mut connection => exchange.await,
    }
}

async fn drain(response: Response<Incoming>) -> (http::response::Parts, Vec<u8>) {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        bytes.extend(frame.into_data().unwrap_or_default());
        if bytes.len() >= LONGEST_BODY {
            break;
        }
    }
    (parts, bytes)
}

fn failed(error: &hyper::Error) -> Failure {
    if error.is_parse() {
        Failure::NotHttp
    } else {
        Failure::Reset
    }
}

fn read(response: &http::response::Parts, body: &[u8], nearest: HopName) -> Answer {
    let status = response.status.as_u16();
    let text = |headers: &HeaderMap, name| {
        headers.get(name).map_or(String::new(), |v| {
            String::from_utf8_lossy(v.as_bytes()).into_owned()
        })
    };
    let server = text(&response.headers, SERVER);
    let passed_on = response
        .headers
        .contains_key("x-envoy-upstream-service-time");
    let failure = envoy_flag((status, &server, body), passed_on, nearest);
    Answer {
        reached: failure.is_none(),
        status: Some(status),
        version: format!("{:?}", response.version)
            .trim_start_matches("HTTP/")
            .into(),
        redirect: Some(text(&response.headers, LOCATION)).filter(|l| !l.is_empty()),
        raw: cut(
            &format!("{status} {server}\n{}", String::from_utf8_lossy(body)),
            2000,
        ),
        body: Some(Body::of(body)),
        server,
        failure,
        ..Answer::default()
    }
}
