//! An operation given up before its end.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

/// Ends when an operation is to be given up.
pub type Interrupt<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

/// Carries something out, unless it is interrupted first: then it is dropped where it waits. Not to be asked again after that.
pub(crate) async fn unless<T>(interrupted: &mut Interrupt<'_>, act: impl Future<Output = T>) -> Option<T> {
    let mut act = pin!(act);
    let either = poll_fn(|context| match act.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => interrupted.as_mut().poll(context).map(|()| None),
    });
    either.await
}
