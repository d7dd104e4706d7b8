//! A job's log: what its processes write, masked, cut into pieces and stamped with the time; and Penstock's own notes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::Clock;
use penstock_model::blob::{BlobError, Channel, LogLine, LogSink};
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::commands::{Ear, Part};
use crate::heard::Heard;
use crate::lines::Splitter;
use crate::mask::{Masker, Masks, mask};

/// What one job may write; more is read and thrown away, and a note says so.
const MAX_LOG: u64 = 1 << 30;
/// How long part of a line waits for its end before it is shown.
const IDLE: Duration = Duration::from_millis(300);
/// Read at once.
const CHUNK: usize = 64 * 1024;
/// How much is read after a step's end, at most: what fits into a pipe, four times.
const DRAIN: usize = 4 * CHUNK;

/// Where everything that a job says goes.
pub(crate) struct JobLog {
    sink: Arc<dyn LogSink>,
    clock: Arc<dyn Clock>,
    masks: Masks,
    /// What is heard in a workflow's steps.
    heard: OnceLock<Heard>,
    written: AtomicU64,
    failed: Mutex<Option<BlobError>>,
}

impl JobLog {
    /// A log that masks these.
    pub(crate) fn new(sink: Arc<dyn LogSink>, clock: Arc<dyn Clock>, masks: Masks) -> Arc<Self> {
        Arc::new(Self { sink, clock, masks, heard: OnceLock::new(), written: AtomicU64::new(0), failed: Mutex::new(None) })
    }

    /// From now on lines of the steps' output may be commands.
    pub(crate) fn listen(&self, heard: Heard) {
        // a job begins once
        let _ = self.heard.set(heard);
    }

    /// What was heard, if anybody listens.
    pub(crate) fn heard(&self) -> Option<&Heard> {
        self.heard.get()
    }

    /// A text as the log may show it.
    pub(crate) fn masked(&self, text: &str) -> String {
        mask(&self.masks.patterns(), text)
    }

    /// Penstock's own word.
    pub(crate) async fn note(&self, text: &str) {
        let at = self.clock.now();
        let lines = self
            .masked(text)
            .lines()
            .map(|line| LogLine { at, channel: Channel::Note, text: line[..line.floor_char_boundary(LogLine::MAX)].to_owned(), ends: true })
            .collect();
        self.put(lines).await;
    }

    /// Why the log could not be written, if it could not.
    pub(crate) async fn failure(&self) -> Option<BlobError> {
        self.failed.lock().await.take()
    }

    async fn put(&self, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let bytes: u64 = lines.iter().map(|line| line.text.len() as u64 + 1).sum();
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before > MAX_LOG {
            return;
        }
        let mut failed = self.failed.lock().await;
        if failed.is_some() {
            return;
        }
        let mut result = self.sink.write(lines).await;
        if result.is_ok() && before + bytes > MAX_LOG {
            let text = format!("the log is cut here: a job may write {} MiB", MAX_LOG >> 20);
            result = self.sink.write(vec![LogLine { at: self.clock.now(), channel: Channel::Note, text, ends: true }]).await;
        }
        if let Err(why) = result {
            tracing::warn!(error = %why, "a job's log cannot be written");
            *failed = Some(why);
        }
    }

    /// Reads a pipe into the log until it ends.
    pub(crate) fn tap(self: &Arc<Self>, channel: Channel, pipe: pipe::Receiver) -> Tap {
        let (flush, orders) = mpsc::channel(1);
        let stream = Stream::new(self, channel);
        Tap { flush, task: tokio::spawn(pump(stream, pipe, orders)) }
    }

    /// A sink for somebody else's pieces, which come out masked in this log.
    pub(crate) fn masking(self: &Arc<Self>) -> MaskingSink {
        let stream = |channel| Stream::new(self, channel);
        MaskingSink { out: Mutex::new(stream(Channel::Out)), err: Mutex::new(stream(Channel::Err)), log: Arc::clone(self) }
    }
}

/// A pipe that is being read.
pub(crate) struct Tap {
    flush: mpsc::Sender<Flush>,
    task: JoinHandle<()>,
}

/// Asks for what a pipe has now to be put into the log.
struct Flush {
    /// How much is read, at most.
    limit: usize,
    done: oneshot::Sender<()>,
}

impl Tap {
    /// Waits until what was written so far is in the log. A line without an end gets one.
    pub(crate) async fn drain(&self) {
        self.flush(DRAIN).await;
    }

    /// Waits until all is in the log that was ever written; for when nothing of the job is alive. The pipe ends later, with the
    /// sandbox, and nobody waits for that.
    pub(crate) async fn finish(self) {
        self.flush(usize::MAX).await;
        self.task.abort();
    }

    async fn flush(&self, limit: usize) {
        let (done, waits) = oneshot::channel();
        // an error means that the pipe has ended, and everything is in the log
        if self.flush.send(Flush { limit, done }).await.is_ok() {
            let _ = waits.await;
        }
    }
}

/// One channel of a log.
struct Stream {
    log: Arc<JobLog>,
    ear: Ear,
    masker: Masker,
    splitter: Splitter,
}

impl Stream {
    fn new(log: &Arc<JobLog>, channel: Channel) -> Self {
        Self { log: Arc::clone(log), ear: Ear::default(), masker: Masker::new(log.masks.patterns()), splitter: Splitter::new(channel) }
    }

    async fn feed(&mut self, bytes: &[u8]) {
        let mut clear = Vec::with_capacity(bytes.len());
        self.masker.know(self.log.masks.patterns());
        match self.log.heard() {
            None => self.masker.feed(bytes, &mut clear),
            Some(heard) => {
                let mut parts = Vec::new();
                self.ear.feed(bytes, heard.watches(), &mut parts);
                self.take(parts, &mut clear);
            }
        }
        self.show(&clear).await;
    }

    /// Carries out what is a command and masks the rest.
    fn take(&mut self, parts: Vec<Part>, clear: &mut Vec<u8>) {
        let Some(heard) = self.log.heard() else { return };
        for part in parts {
            match part {
                Part::Through(bytes) => self.masker.feed(&bytes, clear),
                Part::Whole(line) => heard.passed(&String::from_utf8_lossy(&line)),
                Part::Line(line, ended) => match heard.line(&String::from_utf8_lossy(&line), &self.log.masks) {
                    Some(shown) => {
                        self.masker.know(self.log.masks.patterns());
                        for line in shown {
                            self.masker.feed(line.as_bytes(), clear);
                            self.masker.feed(b"\n", clear);
                        }
                    }
                    None => {
                        self.masker.feed(&line, clear);
                        self.masker.feed(if ended { b"\n" } else { b"" }, clear);
                    }
                },
            }
        }
    }

    async fn show(&mut self, clear: &[u8]) {
        let mut lines = Vec::new();
        self.splitter.feed(clear, self.log.clock.now(), &mut lines);
        self.log.put(lines).await;
    }

    async fn idle(&mut self) {
        let mut lines = Vec::new();
        self.splitter.flush(self.log.clock.now(), &mut lines);
        self.log.put(lines).await;
    }

    async fn finish(&mut self) {
        let (mut clear, mut lines, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        self.ear.finish(&mut parts);
        self.take(parts, &mut clear);
        self.masker.finish(&mut clear);
        let now = self.log.clock.now();
        self.splitter.feed(&clear, now, &mut lines);
        self.splitter.finish(now, &mut lines);
        self.log.put(lines).await;
    }
}

async fn pump(mut stream: Stream, pipe: pipe::Receiver, mut orders: mpsc::Receiver<Flush>) {
    let mut buffer = vec![0; CHUNK];
    let mut listening = true;
    loop {
        tokio::select! {
            biased;
            ready = pipe.readable() => {
                if ready.is_err() {
                    break;
                }
                match pipe.try_read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => stream.feed(&buffer[..count]).await,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
            order = orders.recv(), if listening => match order {
                Some(Flush { limit, done }) => {
                    let mut read = 0;
                    while let Ok(count @ 1..) = pipe.try_read(&mut buffer) {
                        stream.feed(&buffer[..count]).await;
                        read += count;
                        if read >= limit {
                            break;
                        }
                    }
                    stream.finish().await;
                    let _ = done.send(());
                }
                None => listening = false,
            },
            () = tokio::time::sleep(IDLE), if stream.splitter.waits() => stream.idle().await,
        }
    }
    stream.finish().await;
}

/// Masks what another hand writes.
pub(crate) struct MaskingSink {
    log: Arc<JobLog>,
    out: Mutex<Stream>,
    err: Mutex<Stream>,
}

impl MaskingSink {
    /// The writer is done.
    pub(crate) async fn finish(&self) {
        self.out.lock().await.finish().await;
        self.err.lock().await.finish().await;
    }
}

#[async_trait]
impl LogSink for MaskingSink {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        for line in lines {
            let stream = match line.channel {
                Channel::Out => &self.out,
                Channel::Err => &self.err,
                Channel::Note => {
                    self.log.note(&line.text).await;
                    continue;
                }
            };
            let mut bytes = line.text.into_bytes();
            if line.ends {
                bytes.push(b'\n');
            }
            stream.lock().await.feed(&bytes).await;
        }
        Ok(())
    }
}
