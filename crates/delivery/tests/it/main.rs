//! The spine over fakes: what people order, and what comes of it.

mod glass;
mod house;
mod imports;
