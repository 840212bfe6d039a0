//! From words to an expression.

use super::token::{Token, tokens};
use super::{Aggregate, Binary, Expr, Matcher, Selector};

/// `promql/parser/lex.go`, the aggregators.
const AGGREGATIONS: &[&str] = &[
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];

/// Operators by how strongly they bind, the weakest first (`promql/parser/generated_parser.y`).
const LEVELS: &[&[&str]] = &[
    &["or"],
    &["and", "unless"],
    &["==", "!=", "<=", "<", ">=", ">"],
    &["+", "-"],
    &["*", "/", "%", "atan2"],
];

/// The expression, or what is wrong with it.
pub fn parse(text: &str) -> Result<Expr, String> {
    let mut words = Words { tokens: tokens(text)?, at: 0 };
    let expr = words.binary(0).map_err(|why| format!("{why}, in {text}"))?;
    match words.tokens.get(words.at) {
        None => Ok(expr),
        Some(token) => Err(format!("{token:?} after the end of {text}")),
    }
}

struct Words {
    tokens: Vec<Token>,
    at: usize,
}

impl Words {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().ok_or_else(|| "it ends too early".to_owned())
    }

    fn is_next(&self, wanted: &str) -> bool {
        match self.peek() {
            Some(Token::Sign(sign)) => *sign == wanted,
            Some(Token::Name(name)) => name == wanted,
            _ => false,
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_next = self.is_next(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err(format!("{wanted} expected, not {:?}", self.peek())),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Name(name) => Ok(name),
            other => Err(format!("a name expected, not {other:?}")),
        }
    }

    /// `(a, b)`
    fn list<T>(&mut self, mut item: impl FnMut(&mut Words) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.expect("(")?;
        let mut items = Vec::new();
        while !self.take(")") {
            items.push(item(self)?);
            if !self.is_next(")") {
                self.expect(",")?;
            }
        }
        Ok(items)
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.is_next(operator)) {
            self.at += 1;
            let is_bool = self.take("bool");
            let matching =
                (self.take("on") || self.take("ignoring")).then(|| self.list(Words::name)).transpose()?;
            let grouped = self.take("group_left") || self.take("group_right");
            let grouped = match grouped {
                true if self.is_next("(") => Some(self.list(Words::name)?),
                true => Some(Vec::new()),
                false => None,
            };
            let right = self.binary(level + 1)?;
            let operator = (*operator).to_owned();
            left = Expr::Binary(Box::new(Binary { operator, is_bool, matching, grouped, left, right }));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.take("-") {
            return Ok(Expr::Negative(Box::new(self.unary()?)));
        }
        let mut expr = self.primary()?;
        loop {
            if self.take("[") {
                let range = self.duration()?;
                if self.take(":") {
                    if !self.is_next("]") {
                        self.duration()?;
                    }
                    expr = Expr::Subquery(Box::new(expr));
                } else {
                    match &mut expr {
                        Expr::Selector(selector) if selector.range.is_none() => selector.range = Some(range),
                        other => return Err(format!("a range of {other:?}")),
                    }
                }
                self.expect("]")?;
            } else if self.take("offset") {
                self.duration()?;
                if !matches!(expr, Expr::Selector(_)) {
                    expr = Expr::Subquery(Box::new(expr));
                }
            } else {
                return Ok(expr);
            }
        }
    }

    fn duration(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Duration(duration) => Ok(duration),
            other => Err(format!("a duration expected, not {other:?}")),
        }
    }

    fn primary(&mut self) -> Result<Expr, String> {
        match self.next()? {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Sign("(") => {
                let inner = self.binary(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Name(name) if AGGREGATIONS.contains(&name.as_str()) => self.aggregate(name),
            Token::Name(name) if self.is_next("(") => {
                Ok(Expr::Call(name, self.list(|words| words.binary(0))?))
            }
            Token::Name(name) => self.selector(name),
            other => Err(format!("{other:?} begins no expression")),
        }
    }

    fn aggregate(&mut self, operation: String) -> Result<Expr, String> {
        let mut labels = self.grouping()?;
        let arguments = self.list(|words| words.binary(0))?;
        if labels.is_none() {
            labels = self.grouping()?;
        }
        Ok(Expr::Aggregate(Aggregate { operation, labels: labels.unwrap_or_default(), arguments }))
    }

    fn grouping(&mut self) -> Result<Option<Vec<String>>, String> {
        (self.take("by") || self.take("without")).then(|| self.list(Words::name)).transpose()
    }

    fn selector(&mut self, name: String) -> Result<Expr, String> {
        let mut matchers = Vec::new();
        if self.take("{") {
            while !self.take("}") {
                let label = self.name()?;
                let operator = match self.next()? {
                    Token::Sign(sign @ ("=" | "!=" | "=~" | "!~")) => sign.to_owned(),
                    other => return Err(format!("{other:?} matches no label")),
                };
                let Token::Text(value) = self.next()? else {
                    return Err(format!("{label} is held against no text"));
                };
                matchers.push(Matcher { label, operator, value });
                if !self.is_next("}") {
                    self.expect(",")?;
                }
            }
        }
        Ok(Expr::Selector(Selector { name, matchers, range: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(text: &str) -> Binary {
        match parse(text).unwrap() {
            Expr::Binary(binary) => *binary,
            other => panic!("{other:?}"),
        }
    }

    fn selector(name: &str) -> Expr {
        Expr::Selector(Selector { name: name.into(), matchers: Vec::new(), range: None })
    }

    #[test]
    fn operators_bind_as_they_do_in_prometheus() {
        let or = binary("a and b == c * d or e");
        assert_eq!((or.operator.as_str(), &or.right), ("or", &selector("e")));
        let Expr::Binary(and) = or.left else { panic!() };
        assert_eq!((and.operator.as_str(), &and.left), ("and", &selector("a")));
        let Expr::Binary(equal) = and.right else { panic!() };
        assert_eq!((equal.operator.as_str(), &equal.left), ("==", &selector("b")));
        // Of equal ones the first binds first.
        let minus = binary("a unless b unless c");
        assert_eq!(minus.right, selector("c"));
    }

    #[test]
    fn labels_may_be_named_on_either_side_of_an_aggregation() {
        let wanted = Aggregate {
            operation: "sum".into(),
            labels: vec!["cluster".into(), "node".into()],
            arguments: vec![selector("a")],
        };
        for text in ["sum by (cluster, node) (a)", "sum(a) by (cluster, node)"] {
            assert_eq!(parse(text).unwrap(), Expr::Aggregate(wanted.clone()), "{text}");
        }
    }

    #[test]
    fn a_join_says_what_it_matches() {
        let join = binary("a * on (node) group_left (version) b");
        assert_eq!(join.matching.as_deref(), Some(&["node".to_owned()][..]));
        assert_eq!(join.grouped.as_deref(), Some(&["version".to_owned()][..]));
        assert!(binary("a > bool 0").is_bool);
        assert_eq!(binary("a / on () group_left () b").matching, Some(Vec::new()));
    }

    #[test]
    fn a_selector_has_matchers_and_a_range() {
        let expr = parse("max_over_time(a:b:c{x!~\"y|z\"}[1d] offset 5m)").unwrap();
        let matcher = Matcher { label: "x".into(), operator: "!~".into(), value: "y|z".into() };
        let selector = Selector { name: "a:b:c".into(), matchers: vec![matcher], range: Some("1d".into()) };
        assert_eq!(expr, Expr::Call("max_over_time".into(), vec![Expr::Selector(selector)]));
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for text in [
            "",
            "a b",
            "sum by (a",
            "a{b}",
            "a{b=1}",
            "a[5]",
            "a +",
            "(a",
            "a[5m][5m]",
            "{}",
            "a{b=\"c\" d=\"e\"}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
