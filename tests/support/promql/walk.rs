//! What an expression is made of.

use super::{Expr, Selector};

/// How a selector is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted<'a> {
    /// The selector.
    pub selector: &'a Selector,
    /// The function or aggregation that it is the argument of, the nearest one.
    pub function: Option<&'a str>,
}

/// Calls `seen` with every part of an expression, and with the nearest function or aggregation around it.
pub fn visit<'a>(expr: &'a Expr, seen: &mut impl FnMut(&'a Expr, Option<&'a str>)) {
    below(expr, None, seen);
}

fn below<'a>(expr: &'a Expr, function: Option<&'a str>, seen: &mut impl FnMut(&'a Expr, Option<&'a str>)) {
    seen(expr, function);
    match expr {
        Expr::Number(_) | Expr::Text(_) | Expr::Selector(_) => {}
        Expr::Call(name, arguments) => arguments.iter().for_each(|part| below(part, Some(name), seen)),
        Expr::Aggregate(aggregate) => {
            aggregate.arguments.iter().for_each(|part| below(part, Some(&aggregate.operation), seen));
        }
        Expr::Binary(binary) => {
            [&binary.left, &binary.right].into_iter().for_each(|part| below(part, None, seen))
        }
        Expr::Negative(inner) | Expr::Subquery(inner) => below(inner, function, seen),
    }
}

/// Everything that an expression asks of the database.
pub fn selectors(expr: &Expr) -> Vec<Counted<'_>> {
    let mut found = Vec::new();
    visit(expr, &mut |part, function| {
        if let Expr::Selector(selector) = part {
            found.push(Counted { selector, function });
        }
    });
    found
}

/// The lists of labels by which it groups, matches or joins: those of each `by`, `on` and `group_left`.
pub fn labels_named(expr: &Expr) -> Vec<&[String]> {
    let mut found = Vec::new();
    visit(expr, &mut |part, _| match part {
        Expr::Aggregate(aggregate) => found.push(aggregate.labels.as_slice()),
        Expr::Binary(binary) => found.extend(binary.matching.as_deref()),
        _ => {}
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn every_selector_is_found_with_its_function() {
        let expr = parse("sum(rate(a[5m])) / -max by (x) (b) and on (y) last_over_time(c[1h])").unwrap();
        let found: Vec<_> = selectors(&expr)
            .into_iter()
            .map(|found| (found.selector.name.as_str(), found.function))
            .collect();
        assert_eq!(found, [("a", Some("rate")), ("b", Some("max")), ("c", Some("last_over_time"))]);
        let labels: Vec<_> = labels_named(&expr).into_iter().filter(|labels| !labels.is_empty()).collect();
        assert_eq!(labels, [&["y".to_owned()][..], &["x".to_owned()]]);
    }
}
