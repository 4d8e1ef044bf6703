//! Waiting for something in the cluster: it is asked again and again until it is there or the
//! deadline has passed. One answer that is lost, or a server that is being replaced, ends nothing.

use crate::deadline::Deadline;
use crate::error::Error;
use std::time::Duration;

/// What one look found.
#[derive(Debug)]
pub enum Poll<T> {
    /// It is there.
    Ready(T),
    /// Not yet: what is waited for, with its last known state.
    Waiting(String),
}

/// Look until it is there.
pub async fn poll<T>(
    deadline: Deadline,
    every: Duration,
    mut look: impl AsyncFnMut() -> Result<Poll<T>, Error>,
) -> Result<T, Error> {
    loop {
        let state = match look().await {
            Ok(Poll::Ready(found)) => return Ok(found),
            Ok(Poll::Waiting(state)) => state,
            Err(error) if error.is_passing() => {
                if deadline.passed() {
                    return Err(error);
                }
                error.to_string()
            }
            Err(error) => return Err(error),
        };
        if deadline.passed() {
            return Err(Error::Deadline {
                what: state,
                after: deadline.total(),
            });
        }
        tokio::time::sleep(every).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::Unreachable {
            server: "s".into(),
            reason: "closed".into(),
            source: None,
        }
    }

    #[tokio::test]
    async fn a_lost_answer_ends_no_wait_and_the_deadline_names_the_last_state() {
        let deadline = Deadline::after(Duration::from_secs(30));
        let mut looks = 0;
        let found = poll(deadline, Duration::from_millis(1), async || {
            looks += 1;
            match looks {
                1 => Err(lost()),
                2 => Ok(Poll::Waiting("it".into())),
                _ => Ok(Poll::Ready(7)),
            }
        });
        assert_eq!(found.await.unwrap(), 7);
        let short = Deadline::after(Duration::from_millis(5));
        let never = poll::<()>(short, Duration::from_millis(1), async || {
            Ok(Poll::Waiting("the pod x: not ready".into()))
        });
        let error = never.await.unwrap_err().to_string();
        assert!(error.contains("the pod x: not ready"), "{error}");
        let refused = poll::<()>(deadline, Duration::from_millis(1), async || {
            Err(Error::Unauthorized { server: "s".into() })
        });
        assert!(refused.await.is_err());
    }
}
