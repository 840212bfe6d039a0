//! PromQL as far as the dashboards and rules of this repository use it: what an expression asks for, and what its
//! value is measured in.
//!
//! The grammar is that of Prometheus (prometheus.io/docs/prometheus/latest/querying, `promql/parser` in its
//! sources). `promtool` parses every rule too; it does not say which names and labels an expression uses.

mod dimension;
mod parse;
mod token;
mod walk;

pub use dimension::{Dimension, dimension};
pub use parse::parse;
pub use token::{Token, tokens};
pub use walk::{Counted, labels_named, selectors, visit};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `0.5`
    Number(f64),
    /// `"reason"`
    Text(String),
    /// `up{job="edgebench"}[5m] offset 1h`
    Selector(Selector),
    /// `rate(…)`
    Call(String, Vec<Expr>),
    /// `sum by (node) (…)`
    Aggregate(Aggregate),
    /// `a + on (node) b`
    Binary(Box<Binary>),
    /// `- a`
    Negative(Box<Expr>),
    /// `(…)[1h:1m]`, and an `offset` of anything but a selector.
    Subquery(Box<Expr>),
}

/// What is asked of the database.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// Name of the metric.
    pub name: String,
    /// What is in braces.
    pub matchers: Vec<Matcher>,
    /// `[5m]`, without brackets.
    pub range: Option<String>,
}

/// `node=~"$node"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// Name of the label.
    pub label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub operator: String,
    /// The value without quotes.
    pub value: String,
}

/// An aggregation over labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// `sum`
    pub operation: String,
    /// Labels after `by` or `without`.
    pub labels: Vec<String>,
    /// What is in parentheses.
    pub arguments: Vec<Expr>,
}

/// An operation of two sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// `+`, `>=`, `and` …
    pub operator: String,
    /// With `bool`.
    pub is_bool: bool,
    /// Labels after `on` or `ignoring`.
    pub matching: Option<Vec<String>>,
    /// Labels after `group_left` or `group_right`.
    pub grouped: Option<Vec<String>>,
    /// The left side.
    pub left: Expr,
    /// The right side.
    pub right: Expr,
}
