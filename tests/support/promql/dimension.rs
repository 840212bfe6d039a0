//! What the value of an expression is measured in.
//!
//! Bytes plus seconds are an error in an expression that Prometheus computes without a word. Numbers are what they
//! are used as; 86400 are the seconds of a day.

use super::{Binary, Expr};

/// Powers of bytes and seconds. Counts, cores, shares and truth are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimension {
    /// Power of bytes.
    pub bytes: i8,
    /// Power of seconds.
    pub seconds: i8,
}

impl Dimension {
    /// A count, a share, a number of cores.
    pub const NONE: Dimension = Dimension { bytes: 0, seconds: 0 };
    /// Bytes.
    pub const BYTES: Dimension = Dimension { bytes: 1, seconds: 0 };
    /// Seconds.
    pub const SECONDS: Dimension = Dimension { bytes: 0, seconds: 1 };

    fn times(self, other: Dimension) -> Dimension {
        Dimension { bytes: self.bytes + other.bytes, seconds: self.seconds + other.seconds }
    }

    fn over(self, other: Dimension) -> Dimension {
        Dimension { bytes: self.bytes - other.bytes, seconds: self.seconds - other.seconds }
    }
}

const DAY: f64 = 86_400.0;

/// The dimension of an expression; nothing where it is whatever is wanted, as of a number. `of_metric` knows those
/// of metrics.
pub fn dimension(
    expr: &Expr,
    of_metric: &dyn Fn(&str) -> Result<Dimension, String>,
) -> Result<Option<Dimension>, String> {
    let of = |expr: &Expr| dimension(expr, of_metric);
    match expr {
        Expr::Number(number) if *number == DAY => Ok(Some(Dimension::SECONDS)),
        Expr::Number(_) => Ok(None),
        Expr::Text(text) => Err(format!("{text:?} has no dimension")),
        Expr::Selector(selector) => of_metric(&selector.name).map(Some),
        Expr::Negative(inner) | Expr::Subquery(inner) => of(inner),
        Expr::Aggregate(aggregate) => {
            let value = aggregate.arguments.last().ok_or("an aggregation of nothing")?;
            match aggregate.operation.as_str() {
                "count" | "count_values" | "group" => of(value).map(|_| Some(Dimension::NONE)),
                _ => of(value),
            }
        }
        Expr::Call(function, arguments) => call(function, arguments, &of),
        Expr::Binary(operation) => binary(operation, &of),
    }
}

fn call(
    function: &str,
    arguments: &[Expr],
    of: &dyn Fn(&Expr) -> Result<Option<Dimension>, String>,
) -> Result<Option<Dimension>, String> {
    let first = || arguments.first().ok_or_else(|| format!("{function} of nothing"));
    match function {
        "time" | "timestamp" => Ok(Some(Dimension::SECONDS)),
        "vector" => Ok(None),
        "rate" | "irate" | "deriv" => Ok(of(first()?)?.map(|of| of.over(Dimension::SECONDS))),
        "count_over_time" | "changes" | "absent" => of(first()?).map(|_| Some(Dimension::NONE)),
        "clamp_min" | "clamp_max" | "round" => {
            same(of(first()?)?, of(arguments.get(1).unwrap_or(&Expr::Number(0.0)))?, function)
        }
        "increase" | "delta" | "floor" | "ceil" | "abs" | "scalar" | "label_replace" | "avg_over_time"
        | "max_over_time" | "min_over_time" | "last_over_time" => of(first()?),
        other => Err(format!("what {other} gives is not known here")),
    }
}

fn binary(
    operation: &Binary,
    of: &dyn Fn(&Expr) -> Result<Option<Dimension>, String>,
) -> Result<Option<Dimension>, String> {
    let (left, right) = (of(&operation.left)?, of(&operation.right)?);
    let or_none = |dimension: Option<Dimension>| dimension.unwrap_or(Dimension::NONE);
    let is_zero = |expr: &Expr| *expr == Expr::Number(0.0);
    match operation.operator.as_str() {
        // Nothing of whatever it is.
        "*" if is_zero(&operation.left) || is_zero(&operation.right) => Ok(None),
        "*" => Ok((left.is_some() || right.is_some()).then(|| or_none(left).times(or_none(right)))),
        "/" => Ok((left.is_some() || right.is_some()).then(|| or_none(left).over(or_none(right)))),
        "and" | "unless" => Ok(left),
        // What is left of a comparison with 0 is 0.
        "==" if is_zero(&operation.right) && !operation.is_bool => Ok(None),
        "==" | "!=" | "<=" | "<" | ">=" | ">" => {
            let compared = same(left, right, &operation.operator)?;
            Ok(if operation.is_bool { Some(Dimension::NONE) } else { compared })
        }
        other => same(left, right, other),
    }
}

fn same(left: Option<Dimension>, right: Option<Dimension>, of: &str) -> Result<Option<Dimension>, String> {
    match (left, right) {
        (Some(left), Some(right)) if left != right => Err(format!("{left:?} {of} {right:?}")),
        _ => Ok(left.or(right)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn of(text: &str) -> Result<Option<Dimension>, String> {
        dimension(&parse(text).unwrap(), &|name| match name.trim_end_matches("_total") {
            name if name.ends_with("bytes") => Ok(Dimension::BYTES),
            name if name.ends_with("seconds") => Ok(Dimension::SECONDS),
            "strange" => Err("strange".to_owned()),
            _ => Ok(Dimension::NONE),
        })
    }

    #[test]
    fn rates_are_by_the_second() {
        assert_eq!(of("sum by (node) (rate(cpu_seconds_total[5m]))"), Ok(Some(Dimension::NONE)));
        assert_eq!(of("rate(read_bytes_total[5m])"), Ok(Some(Dimension { bytes: 1, seconds: -1 })));
        assert_eq!(of("increase(read_bytes_total[5m])"), Ok(Some(Dimension::BYTES)));
        assert_eq!(of("86400 * deriv(a_bytes[7d])"), Ok(Some(Dimension::BYTES)));
    }

    #[test]
    fn shares_and_differences() {
        assert_eq!(of("1 - a_bytes / b_bytes"), Ok(Some(Dimension::NONE)));
        assert_eq!(of("0.9 * a_bytes - b_bytes"), Ok(Some(Dimension::BYTES)));
        assert_eq!(of("time() - start_seconds > 8 * 86400"), Ok(Some(Dimension::SECONDS)));
        assert_eq!(of("count(a_bytes > 5) or vector(0)"), Ok(Some(Dimension::NONE)));
        assert_eq!(of("topk(20, clamp_min(a_bytes - b_bytes, 0))"), Ok(Some(Dimension::BYTES)));
    }

    #[test]
    fn nothing_is_of_every_dimension() {
        assert_eq!(of("a_bytes or cores == 0"), Ok(Some(Dimension::BYTES)));
        assert_eq!(of("0 * a_bytes + 3"), Ok(None));
        assert_eq!(of("a_seconds > bool 0"), Ok(Some(Dimension::NONE)));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for text in [
            "a_bytes + b_seconds",
            "a_bytes or cores",
            "a_bytes > b_seconds",
            "strange",
            "clamp_min(a_bytes, b_seconds)",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
